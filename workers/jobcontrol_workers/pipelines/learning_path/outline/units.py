"""From the blocks of a sub-concept to its knowledge units."""

from __future__ import annotations

from dataclasses import dataclass

from ..generator import KnowledgeUnit, SubConcept
from .blocks import Block, Heading, Paragraph
from .bodies import body_of, code_in
from .drafts import DANGER, Draft, draft_units
from .pieces import read_piece
from .prose import Prose
from .questions import Material, recall
from .sentences import clip, sentences
from .source import Source
from .summaries import LONGEST_SUMMARY, best_sentence
from .terms import key_terms, prose_in
from .titles import title_of
from .words import normal, slug, unique, word_count


def units_of(source: Source, sub_concept: SubConcept) -> tuple[KnowledgeUnit, ...]:
    """The knowledge units of one sub-concept, in document order."""
    blocks = read_piece(source, sub_concept.span)
    drafts = draft_units(blocks, topic=sub_concept.title)
    writing = _Writing(source, sub_concept, set(), set(), set())
    return tuple(writing.write(draft) for draft in drafts)


@dataclass(slots=True)
class _Writing:
    source: Source
    sub_concept: SubConcept
    taken: set[str]
    asked: set[str]
    named: set[str]

    def write(self, draft: Draft) -> KnowledgeUnit:
        proses = prose_in(draft.blocks)
        terms = _terms(draft, proses, self.source.common_words)
        title = self._title(draft, terms)
        code = code_in(draft.blocks)
        first, last = self._lines(draft.blocks)
        body = body_of(draft.blocks)
        material = Material(
            title, draft.kind, tuple(draft.blocks), terms, tuple(draft.defines), self.source.lower_words
        )
        return KnowledgeUnit(
            concept=self.sub_concept.concept,
            sub_concept=self.sub_concept.key,
            key=unique(slug(title), self.taken),
            kind=draft.kind,
            title=title,
            summary=_summary(draft, proses, terms),
            body=body,
            code=code,
            terms=terms,
            defines=_defined_terms(draft, self.source.common_words),
            questions=recall(material, asked=self.asked),
            first_line=first,
            last_line=last,
            words=word_count(body),
        )

    def _title(self, draft: Draft, terms: tuple[str, ...]) -> str:
        title = title_of(draft, terms=terms, is_first=draft.topic not in self.named)
        self.named.update({draft.topic} if title == draft.topic else set())
        return title or self.sub_concept.title

    def _lines(self, blocks: list[Block]) -> tuple[int, int]:
        """Lines of the whole document, counted from 1; blocks count theirs from the span's beginning."""
        span = self.sub_concept.span
        edges = [(block.first, block.after) for block in blocks if not isinstance(block, Heading)]
        first = span.first_line + min(first for first, _ in edges)
        last = min(span.first_line + max(after for _, after in edges) - 1, span.last_line)
        while last > first and not self.source.line(last - 1).strip():
            last -= 1
        return min(first, span.last_line), max(first, last)


def _terms(draft: Draft, proses: list[Prose], common: frozenset[str]) -> tuple[str, ...]:
    found = key_terms(proses, heading=draft.topic, common=common)
    defined = [definition.term for definition in draft.defines]
    known = {normal(term) for term in defined}
    return tuple(dict.fromkeys([*defined, *(term for term in found if normal(term) not in known)]))[:6]


def _defined_terms(draft: Draft, common: frozenset[str]) -> tuple[str, ...]:
    """The terms that a glossary can send its reader here for: not the everyday words that only label a list's items."""
    kept = [found.term for found in draft.defines if found.verb or normal(found.term) not in common]
    return tuple(dict.fromkeys(_bare(term) for term in kept))


def _bare(term: str) -> str:
    return term.strip("`") if term.count("`") == 2 and term.startswith("`") and term.endswith("`") else term


def _summary(draft: Draft, proses: list[Prose], terms: tuple[str, ...]) -> str:
    if draft.kind == "definition" and draft.defines:
        return clip(draft.defines[0].sentence, LONGEST_SUMMARY)
    if draft.kind == "warning":
        told = [sentence for prose in proses for sentence in sentences(prose.text) if DANGER.search(sentence)]
        if told:
            return clip(told[0], LONGEST_SUMMARY)
    if draft.kind in {"reference", "procedure"}:
        lead = [block.prose for block in draft.blocks if isinstance(block, Paragraph)]
        if text := best_sentence(lead, terms=terms, topic=draft.topic):
            return text
    return best_sentence(proses, terms=terms, topic=draft.topic)

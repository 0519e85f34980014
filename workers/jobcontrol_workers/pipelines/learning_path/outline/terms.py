"""The terms of a text: what its author set apart, and what it keeps coming back to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from .blocks import Block, Items, Note, Paragraph, Table
from .prose import Prose
from .sentences import CODE_SPAN
from .words import CJK, FUNCTION_CHARACTERS, STOPWORDS, WORD, is_meaningful, normal

CODE_TERM = re.compile(r"(?=.*[^\W\d_])[^\s\"'“”=;]{2,28}(?: [^\s\"'“”=;]{2,20})?$")
PLACEHOLDER = re.compile(
    r"^(?:[a-z]\d?|_|fn|let|let mut|mut|self|true|false|none|null|nil|main|foo|bar|baz|\d.*)$", re.IGNORECASE
)
PHRASE_BREAK = re.compile(r"[^\w\s'’\-]+")
HAN_RUN = re.compile(rf"[{CJK}]{{2,}}")
KATAKANA = re.compile(r"[\u30a0-\u30ff]{3,}")
HIRAGANA = re.compile(r"[\u3040-\u309f]+")
ELSEWHERE = re.compile(r"(?:chapter|listing|figure|section|appendix|table|step)\b", re.IGNORECASE)
LONGEST_PHRASE = 3
NO_TERM = frozenset("not is are was were do does can will would must should that which".split())


def prose_in(blocks: Iterable[Block]) -> list[Prose]:
    """All running text of `blocks`, that of lists, tables and notes included."""
    found: list[Prose] = []
    for block in blocks:
        match block:
            case Paragraph(prose=prose):
                found.append(prose)
            case Items(items=items):
                found.extend(items)
            case Table(header=header, rows=rows):
                found.extend(header)
                found.extend(cell for row in islice(rows, 100) for cell in row)
            case Note(blocks=inner):
                found.extend(prose_in(inner))
    return found


def key_terms(
    proses: Sequence[Prose], *, heading: str, common: frozenset[str] = frozenset(), limit: int = 6
) -> tuple[str, ...]:
    """The terms that say what a text is about, the weightiest first. Plain words in `common` are none of them."""
    scores: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for term, weight in _candidates(proses, common):
        key = normal(term)
        shown.setdefault(key, term)
        scores[key] += weight
    title = f" {normal(heading)} "
    for key in scores:
        if f" {key} " in title:
            scores[key] += 2
    ranked = [key for key, score in scores.most_common(limit * 4) if score >= 2]
    return tuple(shown[key] for key in _distinct(ranked)[:limit])


def code_terms(codes: Iterable[str]) -> Iterable[str]:
    """The code spans that name something: no literals, placeholders or whole statements."""
    for code in codes:
        if CODE_TERM.fullmatch(code) and not PLACEHOLDER.match(code):
            yield code


def set_apart_terms(prose: Prose) -> Iterable[str]:
    """The emphasised words that can be terms, as the author wrote them."""
    for words in (*prose.set_apart, *prose.strong):
        plain = words.strip(" .,;:!?")
        if is_term(plain):
            yield plain


def is_term(words: str) -> bool:
    """Whether `words`, set apart in a text, name something rather than stress it."""
    if not 2 <= len(words) <= 48:
        return False
    if HAN_RUN.fullmatch(words):
        return len(words) <= 12
    if ELSEWHERE.match(words):
        return False
    parts = words.lower().split()
    if parts[0] in STOPWORDS - {"no"} or any(part in NO_TERM or part.endswith(("n’t", "n't")) for part in parts):
        return False
    return (
        len(parts) <= 4
        and any(is_meaningful(part.strip("`")) or len(parts) > 1 for part in parts)
        and not all(part.lower() in STOPWORDS for part in parts)
    )


def _candidates(proses: Sequence[Prose], common: frozenset[str]) -> Iterable[tuple[str, int]]:
    forms: dict[str, Counter[str]] = {}
    for prose in proses:
        for term in set_apart_terms(prose):
            yield term, 5
        for code in code_terms(prose.code):
            yield f"`{code}`", 2
        for phrase in _phrases(prose.text):
            forms.setdefault(normal(phrase), Counter())[phrase] += 1
    for key, written in forms.items():
        count = written.total()
        if key not in common and count >= 2 and (" " in key or count >= 3 or HAN_RUN.match(key)):
            yield _usual_form(written), count + key.count(" ")


def _usual_form(written: Counter[str]) -> str:
    """As the text writes it within sentences: in lower case wherever it ever does so."""
    lower = [form for form in written if form == form.lower()]
    return max(lower or written, key=lambda form: written[form])


def _phrases(text: str) -> Iterable[str]:
    """Runs of words that carry meaning, and within unspaced scripts what stands between particles."""
    plain = CODE_SPAN.sub(" . ", text)
    for part in PHRASE_BREAK.split(plain):
        run: list[str] = []
        for word in WORD.findall(part):
            if is_meaningful(word):
                run.append(word)
            else:
                yield from _of_run(run)
                run = []
        yield from _of_run(run)
    for match in HAN_RUN.finditer(plain):
        yield from _of_unspaced(match[0])


def _of_run(run: list[str]) -> Iterable[str]:
    if 1 < len(run) <= LONGEST_PHRASE:
        yield " ".join(run)
    yield from run


def _of_unspaced(run: str) -> Iterable[str]:
    for part in HIRAGANA.split(run):
        if KATAKANA.fullmatch(part):
            yield part
            continue
        for size in (4, 3, 2):
            for start in range(min(len(part) - size + 1, 200)):
                gram = part[start : start + size]
                if not FUNCTION_CHARACTERS.intersection(gram):
                    yield gram


def _distinct(ranked: list[str]) -> list[str]:
    """Without terms that only repeat part of a weightier one."""
    kept: list[str] = []
    for key in ranked:
        if not any(key in other or other in key for other in kept):
            kept.append(key)
    return kept

"""The one sentence of a text that says most, taken from it word for word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from .blocks import Block, Heading, Items, Note, Paragraph, Table
from .definitions import defined_in, marked_terms
from .phrasing import is_signpost, stands_alone, without_lead
from .prose import Prose
from .sentences import clip, sentences
from .words import WORD, normal, word_count

LONGEST_SUMMARY = 240
CONSIDERED = 24
ENDS_SENTENCE = re.compile(r"[.。؟।…!?？！][\"”’)]*$")


def opening_sentence(blocks: Iterable[Block], *, topic: str) -> str:
    """The sentence among the first few paragraphs that tells best what is to come."""
    proses: list[Prose] = []
    told = [block for block in blocks if not isinstance(block, Heading)]
    for block in islice([block for block in told if not isinstance(block, Note)] or told, 6):
        match block:
            case Paragraph(prose=prose):
                proses.append(prose)
            case Items(items=items):
                proses.extend(items[:2])
            case Note(blocks=(Paragraph(prose=prose), *_)):
                proses.append(prose)
            case Table(header=header):
                proses.append(Prose(" · ".join(cell.text for cell in header), ""))
    return best_sentence(proses, terms=(), topic=topic)


def best_sentence(proses: Sequence[Prose], *, terms: Sequence[str], topic: str) -> str:
    """The sentence that stands on its own, speaks of the terms, and comes early; shortened if it is very long."""
    best, best_score = "", float("-inf")
    told = ((marked_terms(prose), sentences(prose.text)) for prose in proses)
    considered = ((marked, sentence) for marked, found in told for sentence in found)
    for position, (marked, sentence) in enumerate(islice(considered, CONSIDERED)):
        score = _score(sentence, marked=marked, terms=terms, topic=topic) - min(position, 8) * 0.5
        if score > best_score:
            best, best_score = sentence, score
    return clip(without_lead(best), LONGEST_SUMMARY)


def _score(sentence: str, *, marked: Sequence[str], terms: Sequence[str], topic: str) -> float:
    low = f" {normal(' '.join(WORD.findall(sentence)))} "
    score = float(sum(1 for term in terms if normal(term).strip("`") in sentence.lower()))
    score += min(2, sum(1 for word in WORD.findall(normal(topic)) if len(word) > 3 and f" {word} " in low))
    score += 3 if defined_in(sentence, marked=marked, topic=topic) else 0
    score -= 0 if stands_alone(without_lead(sentence)) else 4
    score -= 3 if is_signpost(sentence) else 0
    score -= 3 if sentence.endswith(("?", "!", "？")) else 0
    score -= 0 if ENDS_SENTENCE.search(sentence) else 1.5
    words = word_count(sentence)
    score -= 3 if words < 6 else 2 if words > 38 else 0
    return score

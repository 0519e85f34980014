"""A telling sentence with one of its terms left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...generator import Question
from ..phrasing import is_signpost, points_back, stands_alone, without_lead
from ..sentences import OPENERS, sentence_is_balanced
from ..words import CJK, is_meaningful, normal, word_count
from .material import Material

GAP = "____"
SHORTEST, LONGEST = 8, 34


def gap_questions(material: Material) -> Iterator[Question]:
    """The most telling sentences first; the term left out is one that the title does not give away."""
    ranked = sorted(_candidates(material), key=lambda found: -found[0])
    for _, sentence, term in ranked:
        if gapped := with_gap(sentence, term):
            yield Question(f"Fill the gap: “{gapped}”", term, "gap")


def with_gap(sentence: str, term: str) -> str:
    """`sentence` with a gap wherever `term` stands, or nothing if it does not stand there as a word."""
    bare = term.strip("`")
    inner = rf"(?<!\w){re.escape(bare)}(?!\w)" if not re.search(rf"[{CJK}]", bare) else re.escape(bare)
    quoted = rf"`{re.escape(bare)}`|{inner}"
    gapped, count = re.subn(quoted, GAP, sentence, flags=re.IGNORECASE)
    return gapped if count and sentence_is_balanced(gapped) else ""


def _candidates(material: Material) -> Iterator[tuple[float, str, str]]:
    title = normal(material.title)
    for sentence in material.sentences:
        plain = without_lead(sentence)
        if not SHORTEST <= word_count(plain) <= LONGEST or plain.endswith(("?", "？", "!", "！")):
            continue
        if not stands_alone(plain) or is_signpost(plain) or plain.startswith(OPENERS):
            continue
        present = [term for term in material.terms if _stands_in(term, plain)]
        hidden = [term for term in present if normal(term) not in title] or present
        if hidden:
            term = max(hidden, key=lambda term: _weight(term, material.terms))
            yield len(present) - (2 if points_back(plain) else 0) - (1 if term not in hidden[:2] else 0), plain, term


def _stands_in(term: str, sentence: str) -> bool:
    low, bare = sentence.lower(), term.strip("`").lower()
    return (
        bare in low
        and low.count(bare) <= 2
        and any(is_meaningful(word) or term.startswith("`") or not word.isascii() for word in bare.split())
    )


def _weight(term: str, terms: Sequence[str]) -> float:
    return -terms.index(term) + (1 if " " in term or term.startswith("`") else 0)

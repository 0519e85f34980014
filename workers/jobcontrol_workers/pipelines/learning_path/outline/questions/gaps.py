"""A telling sentence with one of its terms left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...generator import Question
from ..phrasing import is_signpost, points_back, stands_alone, without_lead
from ..sentences import OPENERS, sentence_is_balanced
from ..words import CJK, normal, word_count
from .material import Material

GAP = "____"
SHORTEST, LONGEST = 8, 34
TELLING = 2.0
NUMBER = re.compile(
    r"(?<![\w.,`-])\d+(?:[.,]\d+)*\s?(?:%|(?!(?:and|or|to|of|in|is|are|the|on|as|at)\b)[^\W\d_]{2,})(?![\w`-])"
)
NARRATION = re.compile(r"(?:We|You|I|Let[’']s)\b")


def gap_questions(material: Material) -> Iterator[Question]:
    """The most telling sentences first; the term left out is one that the title does not give away."""
    ranked = sorted(_candidates(material), key=lambda found: -found[0])
    for score, sentence, term in ranked:
        if gapped := with_gap(sentence, term):
            yield Question(f"Fill the gap: “{gapped}”", term, "gap" if score >= TELLING else "weak gap")


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
        scored = [(_telling(term, plain, title), term) for term in material.terms if _stands_in(term, plain)]
        if number := NUMBER.search(plain):
            scored.append((1.3, number[0]))
        if scored:
            best, term = max(scored)
            yield (
                best
                + 0.3 * len(scored)
                - (1.0 if points_back(plain) else 0.0)
                - (0.9 if NARRATION.match(plain) else 0.0),
                plain,
                term,
            )


def _telling(term: str, sentence: str, title: str) -> float:
    """How much a reader must have understood to fill this gap: a name or phrase asks more than an everyday word."""
    is_name = term.startswith("`") or " " in term or not term.isascii() or any(letter.isupper() for letter in term[1:])
    score = 2.0 if is_name else 1.2 if len(term) >= 8 else 0.5
    score -= 1.0 if normal(term).strip("`") in title else 0.0
    return score - (0.8 if sentence.lower().count(term.strip("`").lower()) > 1 else 0.0)


def _stands_in(term: str, sentence: str) -> bool:
    bare = term.strip("`").lower()
    return 1 <= sentence.lower().count(bare) <= 2

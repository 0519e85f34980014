"""Sentences in any script: where they end, and how to shorten one."""

from __future__ import annotations

import re
from functools import lru_cache

CODE_SPAN = re.compile(r"(`+)[^`]+?\1")
BOUNDARY = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+\S)|[。！？｡]+[」』”’）]*|[؟۔।]+(?=\s|$)")
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|ca|fig|figs|eq|no|nos|vol|ch|sec|pp?|mr|mrs|ms|dr|prof|st|inc|ltd"
    r"|dept|z\.b|bzw|usw|т\.е|т\.д|т\.п|т\.к)|(?<![\w.])[^\W\d_])\.$",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[;:,—–、，؛،](?=\s|[\u3000-\u9fff])")


@lru_cache(maxsize=512)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`, stripped. Code spans and abbreviations do not end one."""
    masked = CODE_SPAN.sub(lambda match: "x" * len(match[0]), text)
    found, start = [], 0
    for match in BOUNDARY.finditer(masked):
        if _goes_on(masked, start, match.end()):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return tuple(sentence for sentence in found if sentence)


def _goes_on(masked: str, start: int, end: int) -> bool:
    before = masked[start:end]
    following = masked[end : end + 80].lstrip()
    if before.endswith(".") and ABBREVIATION.search(before[-12:]):
        return True
    return before[-1] in ".!?…\"'”’)]" and following[:1].islower()


def clip(text: str, limit: int) -> str:
    """`text` if it fits in `limit` characters, else its beginning, cut at a clause or word, ending in `…`."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    clauses = [match.start() for match in CLAUSE_END.finditer(head) if match.start() > limit // 2]
    cut = clauses[-1] if clauses else head.rfind(" ") if " " in head[limit // 2 :] else len(head)
    short = head[:cut].rstrip(" ,;:—–([“\"'")
    if short.count("`") % 2:
        short = short[: short.rfind("`")].rstrip(" ,;:—–([“\"'")
    return f"{short or head}…"


def as_title(text: str) -> str:
    """`text` with its first letter in upper case, unless it opens with code."""
    return text[:1].upper() + text[1:]


def without_end(sentence: str) -> str:
    """A sentence without its closing full stop."""
    return sentence.rstrip().rstrip(".。;:,").rstrip()


OPENERS = ("(", "“(", "[")


def sentence_is_balanced(sentence: str) -> bool:
    """Whether every code span, bracket and quotation that opens in `sentence` also closes in it."""
    pairs = ("()", "[]", "“”", "「」")
    return sentence.count("`") % 2 == 0 and all(sentence.count(pair[0]) == sentence.count(pair[1]) for pair in pairs)

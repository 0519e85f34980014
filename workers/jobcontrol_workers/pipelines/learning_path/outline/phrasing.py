"""How a sentence hangs together with the ones before it, and how it stands on its own."""

from __future__ import annotations

import re

from .sentences import as_title

LEAD_WORDS = re.compile(
    r"^(?:However|But|And|So|Also|Thus|Hence|Therefore|Moreover|Furthermore|Additionally|Again|Now|First|Second"
    r"|Third|Next"
    r"|Finally|Lastly|Luckily|Fortunately|Unfortunately|Instead|Still|Yet|Of course|In other words|In fact"
    r"|In addition|In a way"
    r"|For example|For instance|In general|Generally|That is|As a result|As such|Similarly|Likewise|(?:Note"
    r"|Remember|Recall|Notice) that"
    r"|Note|Remember|On the other hand|By contrast|In contrast|In this case|In that case|Basically"
    r"|Comparatively|Essentially|Specifically|Interestingly|Then|Here|Otherwise|Conversely),?\s+",
)
NEEDS_COMMA = re.compile(
    r"^(?:However|In addition|In general|In fact|In a way|That is|Of course|First|Second|Third|Next|Instead"
    r"|Still|Again|Here|Then|Note|Remember|Now|Also|Yet)\s"
)
ANAPHOR = re.compile(
    r"^(?:This|That|These|Those|It|Its|They|Their|Them|He|She|His|Her|Such|Both|Neither|Either|One"
    r"|The (?:same|former|latter|others|above|following|previous|rest"
    r"|(?:other|first|second|third|last|next|two)(?= (?:is|are|was|were|one|ones|will|can|has|have|of)\b))"
    r"|Doing so|To do (?:so|this|that)|Because of (?:this|that)|For this|In this|In that|At this|By this|With this"
    r"|After this"
    r"|All of (?:this|these)|Each of these|Some of (?:this|these)|Another|Perhaps|Maybe|Suppose|Imagine|Say|Here"
    r"|There’s|There's|Это|Он|Она|Они|Эти|这|那|它|他们|これ|それ|この|その|هذا|هذه)(?!\w)"
)
INNER_ANAPHOR = re.compile(
    r"\b(?:(?:do|does|did|doing|like|with|than|for|to|about) that|do so|this|that(?= (?:is|was|way"
    r"|question|problem|reason|error|code|value|example"
    r"|case|means))|these|those|it|they|them|both|the (?:following|preceding|former|latter|same|above))\b",
    re.IGNORECASE,
)
POSSESSIVE = re.compile(r"\b(?:its|their|his|her)\b", re.IGNORECASE)
SIGNPOST = re.compile(
    r"\b(?:Listings?|Figures?|Chapters?|Sections?|Appendix|Table|Exercise) [A-Z\d]|\b(?:let’s|let's|we’ll|we'll"
    r"|you’ll|you'll|we’ve|we've"
    r"|we’re|I’ll|as follows|in this (?:chapter|section|book|part|guide)|next (?:chapter|section)|(?:earlier"
    r"|later) in|see the|take a look"
    r"|look at|like (?:this|so)|shown (?:in|here)|the following|the preceding|this example|at this point"
    r"|as mentioned|you may"
    r"|you might|congratulations|for now|recall|remember)\b",
    re.IGNORECASE,
)
OPEN_END = re.compile(r"[:：,;、]$")


def stands_alone(sentence: str) -> bool:
    """Whether `sentence` can be read without the one before it."""
    return not ANAPHOR.match(sentence) and not OPEN_END.search(sentence)


def is_signpost(sentence: str) -> bool:
    """Whether `sentence` points to another place in the text more than it says anything."""
    return SIGNPOST.search(sentence) is not None


def points_back(clause: str) -> bool:
    """Whether `clause` speaks of something by a pronoun that it does not name itself."""
    return INNER_ANAPHOR.search(clause) is not None


def owns_something(clause: str) -> bool:
    """Whether `clause` says *its* or *their*, which only the words before it can explain."""
    return POSSESSIVE.search(clause) is not None


def without_lead(sentence: str) -> str:
    """`sentence` without the words that tie it to the one before."""
    lead = LEAD_WORDS.match(sentence)
    if not lead or (NEEDS_COMMA.match(sentence) and not lead[0].rstrip().endswith((",", "that"))):
        return sentence
    rest = sentence[lead.end() :]
    return as_title(rest) if len(rest.split()) >= 4 else sentence

"""The document as lines and characters: where each line starts, and what stands before the text proper."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from functools import cached_property

from ..generator import Span
from .words import WORD, normal

LINE_END = re.compile(r"\r\n|\n|\r")
FENCE_OF_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*$")
MATTER_KEY = re.compile(r"^[A-Za-z_][\w .-]*\s*[:=]")
MATTER_TITLE = re.compile(r"^title\s*[:=]\s*(?P<title>.+?)\s*$", re.IGNORECASE)
LONGEST_MATTER = 200
COMMON_COUNT = 30
COMMON_SHARE = 0.0008


class Source:
    """A document's text with its lines, split where CommonMark splits them. Lines count from 0 in here."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in LINE_END.finditer(text))]
        if len(self.starts) > 1 and self.starts[-1] == len(text):
            self.starts.pop()

    @property
    def line_count(self) -> int:
        return len(self.starts)

    def offset(self, line: int) -> int:
        """Where `line` starts; the end of the text for any line after the last."""
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def line(self, number: int) -> str:
        """One line without its end."""
        return self.text[self.offset(number) : self.offset(number + 1)].rstrip("\r\n")

    def span(self, first: int, after: int) -> Span:
        """The lines from `first` up to but not including `after`."""
        return Span(self.offset(first), self.offset(after), first + 1, max(first + 1, min(after, self.line_count)))

    def cut(self, start: int, end: int) -> Span:
        """The characters from `start` to `end`, which may lie within one line."""
        last = bisect_right(self.starts, max(start, end - 1))
        return Span(start, end, bisect_right(self.starts, start), last)

    @cached_property
    def lower_words(self) -> frozenset[str]:
        """The words that the document mostly writes in lower case: whatever they are, they are no names."""
        written = Counter(WORD.findall(self.text))
        return frozenset(word for word in written if word.islower() and written[word] >= written[word.capitalize()])

    @cached_property
    def common_words(self) -> frozenset[str]:
        """The words so frequent in the whole document that they single out no part of it."""
        counts = Counter(normal(word) for word in WORD.findall(self.text))
        least = max(COMMON_COUNT, counts.total() * COMMON_SHARE)
        return frozenset(word for word, count in counts.items() if count >= least)

    @cached_property
    def front_matter(self) -> int:
        """How many lines of metadata, between two rules, stand before the text."""
        if not FENCE_OF_MATTER.match(self.line(0).lstrip("\ufeff")):
            return 0
        rule = self.line(0).lstrip("\ufeff").strip()
        for number in range(1, min(self.line_count, LONGEST_MATTER)):
            if self.line(number).rstrip() in {rule, "..."}:
                has_keys = any(MATTER_KEY.match(self.line(inner)) for inner in range(1, number))
                return number + 1 if has_keys else 0
        return 0

    @cached_property
    def matter_title(self) -> str:
        """The title that the front matter gives, or nothing."""
        for number in range(1, self.front_matter):
            if match := MATTER_TITLE.match(self.line(number)):
                return match["title"].strip("\"'")
        return ""


def readable(text: str) -> str:
    """`text` as the parser should see it: without the byte order mark that opens some files."""
    return text.removeprefix("\ufeff")

"""The headings of a document as a tree, whatever levels they skip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .blocks import read_inline
from .scan import TopBlock, scan
from .sentences import clip
from .source import Source

LONGEST_TITLE = 120


@dataclass(slots=True)
class Section:
    """A heading with everything below it: lines `first` up to but not including `after`, its heading among them.

    The root has no title and level 0. Children are the sections directly below, of any deeper level.
    """

    level: int
    title: str
    first: int
    after: int
    children: list[Section] = field(default_factory=list)


def read_sections(source: Source) -> Section:
    """The tree of the whole document. Front matter belongs to no section."""
    start = source.front_matter
    blocks = scan(source.text[source.offset(start) :])
    return nest((block for block in blocks if block.level), start=start, end=source.line_count)


def nest(headings: Iterable[TopBlock], *, start: int, end: int) -> Section:
    """Hang each heading under the nearest one before it that has a smaller level."""
    root = Section(0, "", start, end)
    open_sections = [root]
    for heading in headings:
        first = heading.first + start
        while open_sections[-1].level >= heading.level:
            open_sections.pop().after = first
        section = Section(heading.level, _title(heading.title), first, end)
        open_sections[-1].children.append(section)
        open_sections.append(section)
    return root


def _title(markdown: str) -> str:
    return clip(read_inline(markdown).text.strip(" #:"), LONGEST_TITLE)

"""A document taken apart: pieces that lie side by side and together cover all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ..generator import Span
from .blocks import Block, Heading, read_blocks
from .scan import TopBlock, scan
from .sections import Section
from .sentences import BOUNDARY
from .source import Source
from .words import word_count

WORTH_A_PIECE = 30
OPENING = "Introduction"
LARGEST_READ = 64_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the document with a title; `trail` names the headings above it, `sections` can be opened further."""

    title: str
    span: Span
    trail: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=(), repr=False)


def open_up(source: Source, piece: Piece, sections: Sequence[Section]) -> list[Piece]:
    """`piece` as its own first words and one piece per section. A short opening goes to the first section."""
    if not sections:
        return [replace(piece, sections=())]
    opening = source.cut(piece.span.start, source.offset(sections[0].first))
    trail = (*piece.trail, piece.title) if piece.title else piece.trail
    parts = [
        Piece(section.title, source.span(section.first, section.after), trail, tuple(section.children))
        for section in sections
    ]
    if word_count(source.text[opening.start : opening.end]) >= WORTH_A_PIECE + word_count(piece.title):
        return [Piece(OPENING, opening, trail), *parts]
    first = parts[0].span
    parts[0] = replace(parts[0], span=Span(opening.start, first.end, opening.first_line, first.last_line))
    return parts


def read_piece(source: Source, span: Span) -> tuple[Block, ...]:
    """The blocks of a piece; of one that is a single enormous block, those of its beginning."""
    return read_blocks(source.text[span.start : min(span.end, span.start + LARGEST_READ)])


def is_readable(blocks: Iterable[Block]) -> bool:
    """Whether anything but headings is among them."""
    return any(not isinstance(block, Heading) for block in blocks)


def bundle(pieces: Sequence[Piece], *, limit: int) -> list[Piece]:
    """At most `limit` pieces: neighbours are put together in equal numbers where there are more."""
    if len(pieces) <= limit:
        return list(pieces)
    size = -(-len(pieces) // limit)
    return [_joined(pieces[start : start + size]) for start in range(0, len(pieces), size)]


def _joined(pieces: Sequence[Piece]) -> Piece:
    first, last = pieces[0], pieces[-1]
    title = first.title if first.title == last.title else f"{first.title} – {last.title}"
    span = Span(first.span.start, last.span.end, first.span.first_line, last.span.last_line)
    return Piece(title, span, first.trail)


def divide(source: Source, span: Span, *, size: int) -> list[Span]:
    """`span` in stretches of about `size` characters, cut between blocks, or within one that is far too long."""
    if span.end - span.start <= size * 3 // 2:
        return [span]
    text = source.text[span.start : span.end]
    inner = Source(text)
    cuts = [0]
    for block in scan(text):
        start, end = inner.offset(block.first), inner.offset(block.after)
        if start - cuts[-1] >= size or (end - cuts[-1] >= size * 3 // 2 and start - cuts[-1] >= size // 3):
            cuts.append(start)
        if end - start >= size * 2 and block.kind in {"paragraph", "list", "blockquote"}:
            cuts += _cuts_within(inner, block, size)
    cuts = [cut for cut, after in pairwise([*cuts, len(text)]) if text[cut:after].strip()] or [0]
    cuts[0] = 0
    return [source.cut(span.start + cut, span.start + after) for cut, after in pairwise([*cuts, len(text)])]


def _cuts_within(source: Source, block: TopBlock, size: int) -> Iterable[int]:
    """Places to cut one long block: where lines start, and within a long line where sentences end."""
    start = source.offset(block.first)
    for line in range(block.first, block.after):
        if source.offset(line) - start >= size:
            start = source.offset(line)
            yield start
        end = source.offset(line + 1)
        while end - start >= size * 2:
            start = _sentence_end(source.text, start + size, end)
            yield start


def _sentence_end(text: str, near: int, end: int) -> int:
    window = text[near : min(near + 600, end)]
    if match := BOUNDARY.search(window):
        return near + match.end()
    blank = window.find(" ")
    return near + blank + 1 if blank >= 0 else near

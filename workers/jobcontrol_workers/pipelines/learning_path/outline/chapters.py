"""From a document to its concepts: its chapters, wherever in the headings they are, or stretches of it without any."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jobcontrol.pipeline import InvalidInput

from ..generator import Concept, LeftOut, Outline
from .blocks import Heading
from .division import divided
from .matter import sort_out
from .pieces import OPENING, Piece, bundle, divide, open_up
from .sections import Section, read_sections
from .source import Source
from .summaries import opening_sentence
from .terms import key_terms, prose_in
from .words import slug, unique, word_count

FEWEST_CONCEPTS = 3
MOST_CONCEPTS = 120
STRETCH = 16_000
LONG_OPENING = 150


def outline_of(source: Source) -> Outline:
    """The document's concepts and what is left out. Raises InvalidInput where there is nothing to learn from."""
    if not source.text.strip("\ufeff \t\r\n"):
        raise InvalidInput("the document is blank: there is nothing to learn from")
    root = read_sections(source)
    pieces, left_out = sort_out(_chapters(source, root))
    concepts: list[Concept] = []
    taken: set[str] = set()
    for piece in bundle(pieces, limit=MOST_CONCEPTS):
        found, dropped = _as_concept(source, piece, taken)
        concepts += found
        left_out += dropped
    if not concepts:
        raise InvalidInput("the document has no text to learn from: nothing but headings, comments or pictures")
    left_out.sort(key=lambda part: part.first_line)
    return Outline(
        title=_title(source, root),
        concepts=tuple(concepts),
        left_out=tuple(left_out),
        lines=source.line_count,
        words=word_count(source.text),
    )


def _as_concept(source: Source, piece: Piece, taken: set[str]) -> tuple[list[Concept], list[LeftOut]]:
    draft = Concept(key="", title=piece.title, summary="", span=piece.span)
    parts, left_out = divided(source, draft)
    span = piece.span
    if not parts:
        return [], [LeftOut(piece.title, span.first_line, span.last_line, "It has a heading and no text.")]
    opening = [block for _, part in parts[:3] for block in part if not isinstance(block, Heading)][:6]
    title = piece.title
    if not title:
        topics = key_terms(prose_in(block for _, part in parts for block in part), heading="")
        title = ", ".join(topics[:3]) or f"Lines {span.first_line} to {span.last_line}"
        title = title[:1].upper() + title[1:]
    summary = opening_sentence(opening, topic=title)
    return [replace(draft, key=unique(slug(title), taken), title=title, summary=summary)], left_out


def _chapters(source: Source, root: Section) -> list[Piece]:
    """The sections that serve as chapters: the top ones, or those below where the top ones are too few."""
    whole = Piece("", source.span(root.first, root.after))
    if not root.children:
        return [Piece("", span) for span in divide(source, whole.span, size=STRETCH)]
    pieces = open_up(source, whole, root.children)
    while len(pieces) < FEWEST_CONCEPTS and (largest := _largest(pieces)):
        place = pieces.index(largest)
        pieces[place : place + 1] = open_up(source, largest, largest.sections)
    return _without_short_openings(source, pieces, title=_title(source, root))


def _largest(pieces: Iterable[Piece]) -> Piece | None:
    """The longest piece that has sections to be opened."""
    candidates = [
        piece for piece in pieces if piece.sections and (len(piece.sections) > 1 or piece.sections[0].children)
    ]
    return max(candidates, key=lambda piece: piece.span.end - piece.span.start, default=None)


def _without_short_openings(source: Source, pieces: list[Piece], *, title: str) -> list[Piece]:
    """An opening of a few lines is read with the chapter after it; a longer one is a chapter."""
    kept: list[Piece] = []
    opening: Piece | None = None
    for piece in pieces:
        if opening:
            piece = replace(
                piece, span=replace(piece.span, start=opening.span.start, first_line=opening.span.first_line)
            )
            opening = None
        text = source.text[piece.span.start : piece.span.end]
        if (
            piece.title == OPENING
            and not piece.sections
            and word_count(text) < LONG_OPENING
            and piece is not pieces[-1]
        ):
            opening = piece
        else:
            kept.append(piece)
    return [replace(piece, title=title) if piece.title == OPENING and title else piece for piece in kept]


def _title(source: Source, root: Section) -> str:
    """The document's own title: the front matter's, or that of the one heading above all others."""
    if source.matter_title:
        return source.matter_title
    first = root.children[0] if root.children else None
    if first and all(section.level > first.level for section in root.children[1:]):
        return first.title
    return first.title if first and len(root.children) <= 2 and len(first.children) > 1 else ""

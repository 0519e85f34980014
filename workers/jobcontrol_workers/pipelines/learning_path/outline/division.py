"""From a concept to its sub-concepts: each a section, or as much of one as is learned in one sitting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..generator import Concept, LeftOut, Span, SubConcept
from .blocks import Block, Heading
from .matter import sort_out
from .pieces import OPENING, Piece, bundle, divide, is_readable, open_up, read_piece
from .scan import scan
from .sections import Section, nest
from .source import Source
from .summaries import opening_sentence
from .terms import key_terms, prose_in
from .words import slug, unique, word_count

ONE_SITTING = 900
MOST_SUB_CONCEPTS = 60
STRETCH = 7_000


def sub_concepts_of(source: Source, concept: Concept) -> tuple[SubConcept, ...]:
    """The sub-concepts of `concept`, each with something to read; their spans lie within the concept's."""
    readable, _ = divided(source, concept)
    pieces = list(readable)
    names = _names(pieces, concept.title)
    taken: set[str] = set()
    return tuple(
        SubConcept(
            concept=concept.key,
            key=unique(slug(name), taken),
            title=name,
            trail=tuple(title for title in piece.trail if title not in {concept.title, name}),
            summary=opening_sentence(blocks, topic=piece.title),
            span=piece.span,
        )
        for (piece, blocks), name in zip(pieces, names, strict=True)
    )


def divided(source: Source, concept: Concept) -> tuple[Iterator[tuple[Piece, tuple[Block, ...]]], list[LeftOut]]:
    """The readable pieces of `concept` with their blocks, read as they are iterated, and what is left out of it."""
    pieces, left_out = sort_out(_sections_of(source, concept))
    sittings = [sitting for piece in pieces for sitting in _sittings(source, piece)]
    parts = (part for piece in bundle(sittings, limit=MOST_SUB_CONCEPTS) for part in _stretches(source, piece))
    read = ((part, read_piece(source, part.span)) for part in parts)
    return ((part, blocks) for part, blocks in read if is_readable(blocks)), left_out


def _sections_of(source: Source, concept: Concept) -> list[Piece]:
    """The concept's sections, its own heading opened even where a few words stand before it."""
    whole = Piece(concept.title, concept.span)
    sections = _read_within(source, concept.span)
    if len(sections) == 1 and sections[0].children:
        pieces = open_up(source, whole, sections[0].children)
        if pieces[-1].title == concept.title and len(pieces) <= 2:
            pieces[-1:] = open_up(source, replace(pieces[-1], trail=()), pieces[-1].sections)
        return pieces
    if len(sections) == 1:
        return [whole]
    return open_up(source, replace(whole, title=""), sections) if sections else [whole]


def _read_within(source: Source, span: Span) -> list[Section]:
    blocks = scan(source.text[span.start : span.end])
    first = span.first_line - 1
    return nest((block for block in blocks if block.level), start=first, end=span.last_line).children


def _sittings(source: Source, piece: Piece) -> list[Piece]:
    """`piece`, or its sections where it is too long for one sitting and has several."""
    text = source.text[piece.span.start : piece.span.end]
    if len(piece.sections) < 2 or word_count(text) <= ONE_SITTING:
        return [piece]
    kept, _ = sort_out(open_up(source, piece, piece.sections))
    return [sitting for part in kept for sitting in _sittings(source, part)]


def _stretches(source: Source, piece: Piece) -> list[Piece]:
    spans = divide(source, piece.span, size=STRETCH)
    return [replace(piece, span=span) for span in spans]


def _names(pieces: list[tuple[Piece, tuple[Block, ...]]], concept: str) -> list[str]:
    """A title for each piece that no other one has: by its section, its own terms, or its number."""
    titles = [_title(piece, blocks, concept) for piece, blocks in pieces]
    names: list[str] = []
    for (piece, blocks), title in zip(pieces, titles, strict=True):
        name = title
        if titles.count(title) > 1 and piece.trail and piece.trail[-1] != concept:
            name = f"{piece.trail[-1]}: {title}"
        if titles.count(title) > 1 and name in {title, *names}:
            topics = [term for term in key_terms(prose_in(blocks), heading=title) if term.lower() not in title.lower()]
            name = f"{title}: {', '.join(topics[:2])}" if topics else title
        names.append(name)
    return [_numbered(name, names, position) for position, name in enumerate(names)]


def _title(piece: Piece, blocks: tuple[Block, ...], concept: str) -> str:
    """The piece's own, or for an opening the heading that it stands under."""
    if piece.title != OPENING:
        return piece.title or concept
    heading = blocks[0].title if blocks and isinstance(blocks[0], Heading) else ""
    return heading if heading and heading != concept else OPENING


def _numbered(name: str, names: list[str], position: int) -> str:
    if names.count(name) == 1:
        return name
    return f"{name} ({names[: position + 1].count(name)} of {names.count(name)})"

"""From a document to its concepts: its chapters, wherever in the headings they are, or stretches of it without any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from jobcontrol.pipeline import InvalidInput

from ..generator import Concept, LeftOut, Outline, Span
from .blocks import Block, Heading
from .division import divided
from .matter import sort_out
from .pieces import OPENING, Piece, bundle, divide, open_up
from .sections import Section, read_sections
from .sentences import as_title, clip, without_end
from .source import Source
from .summaries import opening_sentence
from .terms import key_terms, prose_in
from .words import slug, unique, word_count

FEWEST_CONCEPTS = 3
MOST_CONCEPTS = 120
STRETCH = 16_000
LONG_OPENING = 150
LONGEST_NAME = 70
PARTS_LOOKED_AT = 3


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
        concepts=tuple(concepts if root.children else _numbered(concepts)),
        left_out=tuple(left_out),
        lines=source.line_count,
        words=word_count(source.text),
    )


def _as_concept(source: Source, piece: Piece, taken: set[str]) -> tuple[list[Concept], list[LeftOut]]:
    draft = Concept(key="", title=piece.title, summary="", span=piece.span)
    readable, left_out = divided(source, draft)
    parts = list(islice(readable, PARTS_LOOKED_AT))
    span = piece.span
    if not parts:
        return [], [LeftOut(piece.title or "(no title)", span.first_line, span.last_line, "It has no text to read.")]
    blocks = [block for _, part in parts for block in part if not isinstance(block, Heading)]
    title = piece.title or _named(source, blocks, span)
    summary = opening_sentence(blocks, topic=title)
    return [replace(draft, key=unique(slug(title), taken), title=title, summary=summary)], left_out


def _named(source: Source, blocks: Sequence[Block], span: Span) -> str:
    """A name for a stretch without a heading: its best sentence if that is short, else its terms."""
    sentence = without_end(opening_sentence(blocks, topic=""))
    if 0 < len(sentence) <= LONGEST_NAME:
        return sentence
    topics = key_terms(prose_in(blocks), heading="", common=source.common_words)
    name = as_title(", ".join(topics[:3])) if len(topics) > 1 else clip(sentence, LONGEST_NAME)
    return name or f"Lines {span.first_line} to {span.last_line}"


def _numbered(concepts: list[Concept]) -> list[Concept]:
    """Stretches without headings can come by the same name; headings may repeat as they like."""
    names = Counter(concept.title for concept in concepts)
    seen: Counter[str] = Counter()
    numbered = []
    for concept in concepts:
        seen[concept.title] += 1
        part = f"{concept.title} ({seen[concept.title]} of {names[concept.title]})"
        numbered.append(replace(concept, title=part) if names[concept.title] > 1 else concept)
    return numbered


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

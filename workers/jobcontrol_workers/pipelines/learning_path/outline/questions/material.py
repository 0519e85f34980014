"""What there is to ask about: one unit's blocks, its sentences, its terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...generator import Kind
from ..blocks import Block, Code, Items, Note, Paragraph
from ..definitions import Definition
from ..sentences import sentences


@dataclass(frozen=True)
class Material:
    """One unit as the makers of questions see it; `lower_words` are the document's words that are no names."""

    title: str
    kind: Kind
    blocks: tuple[Block, ...]
    terms: tuple[str, ...]
    defines: tuple[Definition, ...]
    lower_words: frozenset[str] = field(repr=False)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of its paragraphs, those in notes included; list items only count where they are sentences."""
        return tuple(sentence for text in _texts(self.blocks) for sentence in sentences(text))

    @cached_property
    def code(self) -> tuple[Code, ...]:
        """The code it shows."""
        return tuple(block for block in self.blocks if isinstance(block, Code) and block.text)

    @cached_property
    def spoken_code(self) -> frozenset[str]:
        """The code that its text speaks of."""
        return frozenset(code for prose in _proses(self.blocks) for code in prose)


def _texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(prose=prose):
                yield prose.text
            case Items(items=items):
                yield from (item.text for item in items if item.text.endswith((".", "。")))
            case Note(blocks=inner):
                yield from _texts(inner)


def _proses(blocks: tuple[Block, ...]) -> Iterator[tuple[str, ...]]:
    for block in blocks:
        match block:
            case Paragraph(prose=prose):
                yield prose.code
            case Items(items=items):
                yield from (item.code for item in items)
            case Note(blocks=inner):
                yield from _proses(inner)

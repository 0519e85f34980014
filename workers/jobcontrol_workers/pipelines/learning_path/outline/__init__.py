"""The default generator: learning paths from a document's own structure and words, without network or model."""

from __future__ import annotations

from functools import lru_cache

from ..generator import Concept, KnowledgeUnit, Outline, SubConcept
from .chapters import outline_of
from .division import sub_concepts_of
from .source import Source
from .units import units_of

__all__ = ["OutlineGenerator"]


class OutlineGenerator:
    """Concepts from chapters, sub-concepts from sections, knowledge units from paragraphs, lists, tables and code."""

    def outline(self, text: str) -> Outline:
        """The chapters worth learning from. Raises InvalidInput where no text is."""
        return outline_of(_source(text))

    def sub_concepts(self, text: str, concept: Concept) -> tuple[SubConcept, ...]:
        """The sections of one chapter, long ones opened up or cut."""
        return sub_concepts_of(_source(text), concept)

    def units(self, text: str, sub_concept: SubConcept) -> tuple[KnowledgeUnit, ...]:
        """The units of one section."""
        return units_of(_source(text), sub_concept)


@lru_cache(maxsize=2)
def _source(text: str) -> Source:
    """The steps of one build share a process and a document: its lines are found once."""
    return Source(text)

"""What makes a learning path out of a document: the generator's contract and the values it deals in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["definition", "explanation", "example", "procedure", "warning", "reference"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the document: characters `start` to `end` (exclusive), lines counted from 1, both included."""

    start: int
    end: int
    first_line: int
    last_line: int

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Span:
        """The span that `dataclasses.asdict` took apart."""
        return cls(value["start"], value["end"], value["first_line"], value["last_line"])


@dataclass(frozen=True, slots=True)
class Concept:
    """One chapter of the path. `key` is unique in the document, `summary` is a sentence of it or empty."""

    key: str
    title: str
    summary: str
    span: Span

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Concept:
        """The concept that a step input holds."""
        return cls(value["key"], value["title"], value["summary"], Span.of(value["span"]))


@dataclass(frozen=True, slots=True)
class SubConcept:
    """One sitting's worth of a concept. `key` is unique in its concept; `trail` names the headings above it."""

    concept: str
    key: str
    title: str
    trail: tuple[str, ...]
    summary: str
    span: Span

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> SubConcept:
        """The sub-concept that a step input holds."""
        span = Span.of(value["span"])
        return cls(value["concept"], value["key"], value["title"], tuple(value["trail"]), value["summary"], span)


@dataclass(frozen=True, slots=True)
class CodeSample:
    """Code as the document shows it; `caption` and `file` are empty where the document names none."""

    language: str
    text: str
    caption: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question for recall whose answer stands in the unit. `form` says how it was found."""

    ask: str
    answer: str
    form: str


@dataclass(frozen=True, slots=True)
class KnowledgeUnit:
    """One thing to know. `body` is Markdown and complete, code included; `defines` are the terms it introduces."""

    concept: str
    sub_concept: str
    key: str
    kind: Kind
    title: str
    summary: str
    body: str
    code: tuple[CodeSample, ...]
    terms: tuple[str, ...]
    defines: tuple[str, ...]
    questions: tuple[Question, ...]
    first_line: int
    last_line: int
    words: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the document that the path does without, and why."""

    title: str
    first_line: int
    last_line: int
    why: str


@dataclass(frozen=True, slots=True)
class Outline:
    """What the root step found. `title` is the document's own, or empty."""

    title: str
    concepts: tuple[Concept, ...]
    left_out: tuple[LeftOut, ...]
    lines: int
    words: int


class Generator(Protocol):
    """Turns a document into a path, in three calls that run in different steps, perhaps in different processes.

    Every concept of an outline has sub-concepts, and every sub-concept has units. Equal text gives equal answers.
    """

    def outline(self, text: str) -> Outline:
        """The concepts, in document order. Raises `InvalidInput` where there is nothing to learn from."""
        ...

    def sub_concepts(self, text: str, concept: Concept) -> tuple[SubConcept, ...]:
        """What `concept` divides into, in document order."""
        ...

    def units(self, text: str, sub_concept: SubConcept) -> tuple[KnowledgeUnit, ...]:
        """The knowledge units of `sub_concept`, in document order. Reads its span alone."""
        ...

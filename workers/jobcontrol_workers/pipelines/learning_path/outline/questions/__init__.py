"""Questions for recall. Each is made from one sentence, list, table or line of code, and has its answer there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from ...generator import Kind, Question
from .code import code_questions
from .gaps import gap_questions
from .lists import step_questions, table_questions, whole_list_questions
from .material import Material
from .meanings import meaning_questions
from .reasons import condition_questions, purpose_questions, reason_questions, warning_questions

__all__ = ["Material", "recall"]

Maker = Callable[[Material], Iterable[Question]]

MOST_QUESTIONS = 3
BY_KIND: Mapping[Kind, tuple[Maker, ...]] = {
    "definition": (
        meaning_questions,
        reason_questions,
        condition_questions,
        purpose_questions,
        code_questions,
        gap_questions,
    ),
    "explanation": (
        meaning_questions,
        reason_questions,
        condition_questions,
        purpose_questions,
        whole_list_questions,
        gap_questions,
    ),
    "example": (
        meaning_questions,
        code_questions,
        reason_questions,
        purpose_questions,
        condition_questions,
        gap_questions,
    ),
    "procedure": (step_questions, code_questions, purpose_questions, reason_questions, gap_questions),
    "warning": (
        warning_questions,
        reason_questions,
        condition_questions,
        purpose_questions,
        meaning_questions,
        gap_questions,
    ),
    "reference": (table_questions, meaning_questions, reason_questions, gap_questions),
}


def recall(material: Material, *, asked: set[str]) -> tuple[Question, ...]:
    """At most three questions about `material`, none of them in `asked`, which grows by them.

    A gap whose term tells little is asked only where nothing better is found.
    """
    found: list[Question] = []
    for question in _questions(material):
        if len(found) == MOST_QUESTIONS:
            break
        if question.ask in asked or (question.form == "weak gap" and found):
            continue
        if question.form == "gap" and any(other.answer == question.answer for other in found):
            continue
        asked.add(question.ask)
        found.append(replace(question, form=question.form.removeprefix("weak ")))
    return tuple(found)


def _questions(material: Material) -> Iterator[Question]:
    """First the best question of every sort, then the second best."""
    queues = [iter(maker(material)) for maker in BY_KIND[material.kind]]
    for _ in range(2):
        for queue in queues:
            question = next(queue, None)
            if question:
                yield question

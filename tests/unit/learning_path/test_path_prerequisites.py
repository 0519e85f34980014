"""What builds on what: found from the terms that one sub-concept defines and another one uses."""

from typing import Any

from jobcontrol_workers.pipelines.learning_path.prerequisites import Lesson, find_prerequisites, reading_order


def lesson(key: str, text: str, *, defines: tuple[str, ...] = (), concept: str = "c") -> Lesson:
    unit: dict[str, Any] = {"defines": defines, "body": text, "summary": text, "questions": []}
    return Lesson.of({"concept": concept, "key": key, "title": key.title(), "units": [unit]})


def needs(lessons: list[Lesson], key: str) -> list[tuple[str, bool]]:
    found = find_prerequisites(lessons)
    return [(need.place[1], need.is_ahead) for need in found["c", key]]


def test_a_term_used_twice_leads_back_to_its_definition() -> None:
    lessons = [lesson("one", "A lease ends.", defines=("lease",)), lesson("two", "Leases end. A lease is renewed.")]
    assert needs(lessons, "two") == [("one", False)]


def test_a_single_word_used_once_may_be_meant_otherwise() -> None:
    lessons = [lesson("one", "A lease ends.", defines=("lease",)), lesson("two", "Renew the lease.")]
    assert needs(lessons, "two") == []


def test_a_term_of_two_words_used_once_is_meant() -> None:
    lessons = [lesson("one", "It grows.", defines=("fencing token",)), lesson("two", "Show the fencing token.")]
    assert needs(lessons, "two") == [("one", False)]


def test_code_is_not_read_for_terms() -> None:
    lessons = [lesson("one", "A lease.", defines=("lease",)), lesson("two", "So:\n\n```python\nlease = lease\n```\n")]
    assert needs(lessons, "two") == []


def test_the_first_definition_is_the_one_that_counts() -> None:
    lessons = [
        lesson("one", "A lease.", defines=("lease",)),
        lesson("two", "A lease again.", defines=("lease",)),
        lesson("three", "Lease here, lease there."),
    ]
    assert needs(lessons, "three") == [("one", False)]
    assert needs(lessons, "two") == [], "it explains the term itself"


def test_a_term_leaned_on_before_it_is_defined_is_needed_from_later() -> None:
    lessons = [lesson("one", "Token, token, token, token."), lesson("two", "A token grows.", defines=("token",))]
    assert needs(lessons, "one") == [("two", True)]
    assert reading_order(lessons, find_prerequisites(lessons)) == [("c", "two"), ("c", "one")]


def test_two_that_lean_on_each_other_stay_in_order() -> None:
    lessons = [
        lesson("one", "Token, token, token, token.", defines=("lease",)),
        lesson("two", "A lease, and a lease.", defines=("token",)),
    ]
    assert needs(lessons, "two") == [("one", False)]
    assert needs(lessons, "one") == []
    assert reading_order(lessons, find_prerequisites(lessons)) == [("c", "one"), ("c", "two")]


def test_the_order_of_concepts_is_that_of_the_document() -> None:
    lessons = [
        lesson("one", "Token, token, token, token."),
        lesson("two", "A token grows.", defines=("token",), concept="d"),
    ]
    assert needs(lessons, "one") == [("two", True)]
    assert reading_order(lessons, find_prerequisites(lessons)) == [("c", "one"), ("d", "two")]


def test_a_word_that_every_lesson_uses_is_no_prerequisite() -> None:
    users = [lesson(f"user-{number}", "A step and a step.") for number in range(9)]
    lessons = [lesson("one", "A step.", defines=("step",)), *users]
    assert all(needs(lessons, user.place[1]) == [] for user in users)

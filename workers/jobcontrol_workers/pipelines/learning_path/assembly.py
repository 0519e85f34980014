"""The path put together: concepts with their sub-concepts and units, what builds on what, and what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from .prerequisites import Lesson, Need, find_prerequisites, glossary_of, reading_order

WORDS_A_MINUTE = 180

Json = dict[str, Any]
Place = tuple[str, str]


def assemble(
    outline: Mapping[str, Any],
    *,
    sub_concepts: Iterable[Iterable[Mapping[str, Any]]],
    units: Iterable[Iterable[Mapping[str, Any]]],
    title: str,
    source: Mapping[str, str],
) -> Json:
    """The whole path as JSON. Steps that did not complete leave gaps, which are listed under `missing`."""
    found: dict[Place, list[Json]] = defaultdict(list)
    for made in units:
        for unit in made:
            found[unit["concept"], unit["sub_concept"]].append(dict(unit))
    divisions = {made[0]["concept"]: made for made in map(list, sub_concepts) if made}
    concepts = [_concept(concept, divisions.get(concept["key"], []), found) for concept in outline["concepts"]]
    lessons = [Lesson.of(sub) for concept in concepts for sub in concept["sub_concepts"] if sub["units"]]
    needed = find_prerequisites(lessons)
    _connect(concepts, lessons, needed)
    return {
        "title": title,
        "source": {**source, "lines": outline["lines"], "words": outline["words"]},
        "minutes": sum(concept["minutes"] for concept in concepts),
        "counts": _counts(concepts),
        "concepts": concepts,
        "order": [list(place) for place in reading_order(lessons, needed)],
        "glossary": glossary_of(lessons),
        "missing": _missing(concepts),
        "left_out": [dict(part) for part in outline["left_out"]],
    }


def _concept(
    concept: Mapping[str, Any], division: Iterable[Mapping[str, Any]], found: Mapping[Place, list[Json]]
) -> Json:
    subs = [_sub_concept(sub, found.get((concept["key"], sub["key"]), [])) for sub in division]
    return {
        "key": concept["key"],
        "title": concept["title"],
        "summary": concept["summary"],
        "lines": _lines(concept["span"]),
        "minutes": sum(sub["minutes"] for sub in subs),
        "sub_concepts": subs,
    }


def _sub_concept(sub: Mapping[str, Any], units: list[Json]) -> Json:
    words = sum(unit["words"] for unit in units)
    return {
        "concept": sub["concept"],
        "key": sub["key"],
        "title": sub["title"],
        "trail": list(sub["trail"]),
        "summary": sub["summary"],
        "lines": _lines(sub["span"]),
        "minutes": max(1, round(words / WORDS_A_MINUTE)) if units else 0,
        "prerequisites": [],
        "units": units,
    }


def _connect(concepts: list[Json], lessons: list[Lesson], needed: Mapping[Place, tuple[Need, ...]]) -> None:
    """Write into each sub-concept what it builds on, and what it speaks of that is explained only later."""
    titles = {lesson.place: lesson.title for lesson in lessons}
    for concept in concepts:
        for sub in concept["sub_concepts"]:
            sub["prerequisites"] = [
                {
                    "concept": need.place[0],
                    "sub_concept": need.place[1],
                    "title": titles[need.place],
                    "terms": list(need.terms),
                    "comes": "later" if need.is_ahead else "earlier",
                }
                for need in needed.get((sub["concept"], sub["key"]), ())
            ]


def _counts(concepts: list[Json]) -> Json:
    subs = [sub for concept in concepts for sub in concept["sub_concepts"]]
    units = [unit for sub in subs for unit in sub["units"]]
    return {
        "concepts": len(concepts),
        "sub_concepts": len(subs),
        "knowledge_units": len(units),
        "questions": sum(len(unit["questions"]) for unit in units),
    }


def _missing(concepts: list[Json]) -> list[Json]:
    """The parts whose steps did not complete: every concept has sub-concepts and every one of those has units."""
    missing = []
    for concept in concepts:
        if not concept["sub_concepts"]:
            missing.append({"stage": "sub-concepts", "title": concept["title"], "lines": concept["lines"]})
        for sub in concept["sub_concepts"]:
            if not sub["units"]:
                missing.append({"stage": "knowledge-units", "title": sub["title"], "lines": sub["lines"]})
    return missing


def _lines(span: Mapping[str, int]) -> Json:
    return {"first": span["first_line"], "last": span["last_line"]}

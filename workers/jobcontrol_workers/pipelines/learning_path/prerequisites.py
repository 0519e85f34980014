"""What builds on what: a sub-concept needs another one where it uses terms that the other one defines."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .outline.words import CJK, singular

Place = tuple[str, str]
WORD = re.compile(rf"[{CJK}]|[^\W{CJK}]+")
FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
LONGEST_TERM = 5
USES_IT = 2
LEANS_ON_IT = 4
MOST_NEEDS = 4
TOO_COMMON = 0.3


@dataclass(frozen=True, slots=True)
class Lesson:
    """A sub-concept as far as its place in the order goes: the terms it defines, how it explains them, what it says."""

    place: Place
    title: str
    defines: Mapping[str, str]
    glosses: Mapping[str, str]
    text: str

    @classmethod
    def of(cls, sub: Mapping[str, Any]) -> Lesson:
        """The lesson that an assembled sub-concept is."""
        defines: dict[str, str] = {}
        glosses: dict[str, str] = {}
        for unit in sub["units"]:
            for term in unit["defines"]:
                key = " ".join(_words(term))
                if key and key.count(" ") < LONGEST_TERM:
                    defines.setdefault(key, term)
                    glosses.setdefault(key, _gloss(unit, term))
        text = " ".join(FENCED.sub(" ", unit["body"]) for unit in sub["units"])
        return cls((sub["concept"], sub["key"]), sub["title"], defines, glosses, text)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to know before: where it is defined, and by which terms it is known."""

    place: Place
    terms: tuple[str, ...]
    weight: int
    is_ahead: bool


def find_prerequisites(lessons: Sequence[Lesson]) -> dict[Place, tuple[Need, ...]]:
    """For each lesson the few it leans on most, in document order.

    A term belongs to the lesson that defines it first. One that nearly every lesson uses makes no prerequisite. A
    lesson further on is needed only where its term is used often, and not where it in turn leans on this one.
    """
    home = _homes(lessons)
    sizes = sorted({key.count(" ") + 1 for key in home})
    uses = [_uses(lesson.text, home, sizes=sizes) for lesson in lessons]
    spread = Counter(key for used in uses for key, count in used.items() if count >= USES_IT)
    common = {key for key, count in spread.items() if count > max(3, TOO_COMMON * len(lessons))}
    position = {lesson.place: number for number, lesson in enumerate(lessons)}
    needed = {}
    for number, lesson in enumerate(lessons):
        terms: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for key, count in uses[number].items():
            owner = home[key]
            is_foreign = owner != number and key not in common and key not in lesson.defines
            if is_foreign and count >= _least_uses(key, is_ahead=owner > number):
                terms[owner].append((count, lessons[owner].defines[key]))
        needs = [_need(lessons[owner].place, used, is_ahead=owner > number) for owner, used in terms.items()]
        strongest = sorted(needs, key=lambda need: -need.weight)[:MOST_NEEDS]
        needed[lesson.place] = tuple(sorted(strongest, key=lambda need: position[need.place]))
    return _without_circles(needed)


def _least_uses(key: str, *, is_ahead: bool) -> int:
    """How often a lesson must use a term to need it: a single word may be meant in its everyday sense."""
    if is_ahead:
        return LEANS_ON_IT
    return 1 if " " in key else USES_IT


def reading_order(lessons: Sequence[Lesson], needed: Mapping[Place, tuple[Need, ...]]) -> list[Place]:
    """Every lesson once: document order, but within a concept never before what it needs of the same concept."""
    order: list[Place] = []
    placed: set[Place] = set()
    known = {lesson.place for lesson in lessons}

    def put(place: Place) -> None:
        if place in placed:
            return
        placed.add(place)
        for need in needed.get(place, ()):
            if need.place[0] == place[0] and need.place in known:
                put(need.place)
        order.append(place)

    for lesson in lessons:
        put(lesson.place)
    return order


def glossary_of(lessons: Sequence[Lesson]) -> list[dict[str, str]]:
    """Every term with the sentence that defines it first, sorted by term."""
    home = _homes(lessons)
    entries = [
        {
            "term": lessons[owner].defines[key],
            "meaning": lessons[owner].glosses[key],
            "concept": lessons[owner].place[0],
            "sub_concept": lessons[owner].place[1],
        }
        for key, owner in home.items()
    ]
    return sorted(entries, key=lambda entry: entry["term"].casefold().strip("`"))


def _homes(lessons: Sequence[Lesson]) -> dict[str, int]:
    home: dict[str, int] = {}
    for number, lesson in enumerate(lessons):
        for key in lesson.defines:
            home.setdefault(key, number)
    return home


def _need(place: Place, used: list[tuple[int, str]], *, is_ahead: bool) -> Need:
    ranked = sorted(used, key=lambda found: (-found[0], found[1]))
    return Need(place, tuple(term for _, term in ranked[:3]), sum(count for count, _ in used), is_ahead)


def _without_circles(needed: Mapping[Place, tuple[Need, ...]]) -> dict[Place, tuple[Need, ...]]:
    """Drop each look ahead that would close a circle; what points backwards alone cannot."""
    kept = {place: [need for need in needs if not need.is_ahead] for place, needs in needed.items()}
    for place, needs in needed.items():
        for need in needs:
            if need.is_ahead and not _leads_to(kept, need.place, place):
                kept[place].append(need)
    return {place: tuple(needs) for place, needs in kept.items()}


def _leads_to(needed: Mapping[Place, Sequence[Need]], start: Place, goal: Place) -> bool:
    open_places, seen = [start], {start}
    while open_places:
        place = open_places.pop()
        if place == goal:
            return True
        for need in needed.get(place, ()):
            if need.place not in seen:
                seen.add(need.place)
                open_places.append(need.place)
    return False


def _uses(text: str, terms: Container[str], *, sizes: Sequence[int]) -> Counter[str]:
    """How often each of `terms`, which have as many words as `sizes` say, stands in `text`."""
    words = _words(text)
    runs = (" ".join(words[start : start + size]) for size in sizes for start in range(len(words) - size + 1))
    return Counter(run for run in runs if run in terms)


def _words(text: str) -> list[str]:
    return [singular(word) for word in WORD.findall(text.lower())]


def _gloss(unit: Mapping[str, Any], term: str) -> str:
    for question in unit["questions"]:
        if question["form"] == "meaning" and term.strip("`").lower() in question["ask"].lower():
            return str(question["answer"])
    return str(unit["summary"])

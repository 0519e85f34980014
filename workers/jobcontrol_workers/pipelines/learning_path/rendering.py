"""The path as Markdown for readers: contents with reading times, then every concept with its questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
Numbers = dict[tuple[str, str], str]
COUNTED = ("concepts", "sub_concepts", "knowledge_units", "questions")
KIND_NAMES = {
    "definition": "Definition",
    "explanation": "Explanation",
    "example": "Example",
    "procedure": "Procedure",
    "warning": "Warning",
    "reference": "Reference",
}


def render(path: Json) -> str:
    """The whole path as one Markdown text, ending in a newline."""
    numbers = _numbers(path)
    parts = [
        *_head(path),
        *_missing(path),
        *_contents(path, numbers),
        *(part for number, concept in enumerate(path["concepts"], 1) for part in _concept(concept, number, numbers)),
        *_glossary(path, numbers),
        *_left_out(path),
    ]
    return "\n\n".join(parts) + "\n"


def _numbers(path: Json) -> Numbers:
    return {
        (concept["key"], sub["key"]): f"{number}.{inner}"
        for number, concept in enumerate(path["concepts"], 1)
        for inner, sub in enumerate(concept["sub_concepts"], 1)
    }


def _head(path: Json) -> Iterator[str]:
    counts, source = path["counts"], path["source"]
    yield f"# {_plain(path['title'])}"
    parts = ", ".join(_many(counts[name], name.replace("_", " ").removesuffix("s")) for name in COUNTED)
    made_from = f" Made from {source['name']}, {source['lines']:,} lines." if source["name"] else ""
    yield f"A learning path of {parts}. Reading time: {_time(path['minutes'])}.{made_from}"


def _contents(path: Json, numbers: Numbers) -> Iterator[str]:
    yield "## Contents"
    lines = []
    for number, concept in enumerate(path["concepts"], 1):
        title = _plain(concept["title"])
        lines.append(f"{number}. [{title}](#{_anchor(str(number))}) · {_time(concept['minutes'])}")
        for sub in concept["sub_concepts"]:
            label = numbers[concept["key"], sub["key"]]
            time = _time(sub["minutes"]) if sub["units"] else "missing"
            lines.append(
                f"   - {label} [{_plain(sub['title'])}](#{_anchor(label)}) · {time}{_needs_short(sub, numbers)}"
            )
    yield "\n".join(lines)
    if order := _other_order(path, numbers):
        yield order


def _needs_short(sub: Json, numbers: Numbers) -> str:
    labels = [
        numbers[need["concept"], need["sub_concept"]] for need in sub["prerequisites"] if need["comes"] == "earlier"
    ]
    return f" · after {', '.join(labels)}" if labels else ""


def _other_order(path: Json, numbers: Numbers) -> str:
    """Where the order of reading is not that of the document, say so."""
    order = [tuple(place) for place in path["order"]]
    in_document = [place for place in numbers if place in set(order)]
    moved = [place for place, usual in zip(order, in_document, strict=True) if place != usual]
    if not moved:
        return ""
    return (
        "**Order of reading.** Some sections use terms that a later one defines. Read them as "
        + ", ".join(numbers[place] for place in moved)
        + "; all others as they stand."
    )


def _concept(concept: Json, number: int, numbers: Numbers) -> Iterator[str]:
    yield f'<a id="{_anchor(str(number))}"></a>\n\n## {number}. {_plain(concept["title"])}'
    if concept["summary"]:
        yield f"*{_time(concept['minutes'])}.* {_plain(concept['summary'])}"
    if not concept["sub_concepts"]:
        yield "*(This concept is missing: its step did not complete.)*"
    for sub in concept["sub_concepts"]:
        yield from _sub_concept(sub, numbers)


def _sub_concept(sub: Json, numbers: Numbers) -> Iterator[str]:
    label = numbers[sub["concept"], sub["key"]]
    yield f'<a id="{_anchor(label)}"></a>\n\n### {label} {_plain(sub["title"])}'
    lines = f"lines {sub['lines']['first']}–{sub['lines']['last']}"
    under = f"in {' › '.join(map(_plain, sub['trail']))} · " if sub["trail"] else ""
    yield (
        f"*{_time(sub['minutes'])} · {under}{lines}*"
        if sub["units"]
        else f"*(Missing, {lines}: its step did not complete.)*"
    )
    if needs := list(_needs(sub, numbers)):
        yield "\n".join(needs)
    for unit in sub["units"]:
        yield from _unit(unit, sub)
    yield from _recall(sub)


def _needs(sub: Json, numbers: Numbers) -> Iterator[str]:
    for need in sub["prerequisites"]:
        label = numbers[need["concept"], need["sub_concept"]]
        terms = ", ".join(map(_plain, need["terms"]))
        opening = "Builds on" if need["comes"] == "earlier" else "Looks ahead to"
        yield f"- {opening} [{label} {_plain(need['title'])}](#{_anchor(label)}): {terms}"


def _unit(unit: Json, sub: Json) -> Iterator[str]:
    yield f"#### {KIND_NAMES[unit['kind']]} · {_plain(unit['title'])}"
    if unit["summary"] and unit["words"] > 60 and not _opens_with(unit["body"], unit["summary"]):
        yield f"*In short:* {_plain(unit['summary'])}"
    yield unit["body"]
    terms = [term for term in unit["terms"] if term.strip("`").lower() not in unit["title"].lower()]
    if terms:
        yield f"*Key terms:* {', '.join(map(_plain, terms))}"


def _opens_with(body: str, sentence: str) -> bool:
    return body.replace("*", "").replace("\\", "").startswith(sentence[:60])


def _recall(sub: Json) -> Iterator[str]:
    questions = [question for unit in sub["units"] for question in unit["questions"]]
    if not questions:
        return
    yield "**Recall**"
    yield "\n".join(f"{number}. {_plain(question['ask'])}" for number, question in enumerate(questions, 1))
    answers = "\n".join(f"{number}. {_plain(question['answer'])}" for number, question in enumerate(questions, 1))
    yield f"<details><summary>Answers</summary>\n\n{answers}\n\n</details>"


def _glossary(path: Json, numbers: Numbers) -> Iterator[str]:
    if not path["glossary"]:
        return
    yield "## Glossary"
    yield "\n".join(
        f"- **{_plain(entry['term'])}** ({numbers[entry['concept'], entry['sub_concept']]}): {_plain(entry['meaning'])}"
        for entry in path["glossary"]
    )


def _missing(path: Json) -> Iterator[str]:
    if path["missing"]:
        yield f"> **Incomplete.** {_many(len(path['missing']), 'part')} of the document could not be worked out:"
        yield "\n".join(
            f"- {_plain(part['title'])} (lines {part['lines']['first']}–{part['lines']['last']})"
            for part in path["missing"]
        )


def _left_out(path: Json) -> Iterator[str]:
    if path["left_out"]:
        yield "## Left out"
        yield "\n".join(
            f"- {_plain(part['title'])} (lines {part['first_line']}–{part['last_line']}): {part['why']}"
            for part in path["left_out"]
        )


def _anchor(label: str) -> str:
    return f"part-{label.replace('.', '-')}"


def _time(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def _many(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def _plain(text: str) -> str:
    """Text outside code spans with what Markdown would read as markup escaped."""
    parts = text.split("`")
    parts[::2] = [part.replace("\\", "\\\\").replace("<", "\\<").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)

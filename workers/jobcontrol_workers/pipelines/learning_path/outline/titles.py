"""A title for each unit: its own caption or term if it has one, else its heading and what sets it apart below it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .blocks import Code, Paragraph
from .drafts import Draft
from .sentences import as_title, clip, sentences, without_end
from .words import WORD, normal

LONGEST_TITLE = 90
LONGEST_TOPIC = 50
COMMAND = re.compile(r"^(?:\$|>|%|C:\\[^>]*>|PS>)\s+(?P<command>\S.*)$", re.MULTILINE)
DECLARED = re.compile(
    r"^\s*(?:pub(?:\([^)]*\))?\s+|export\s+|public\s+|private\s+|static\s+|async\s+|abstract\s+|default\s+"
    r"|unsafe\s+|const\s+(?=fn))*"
    r"(?P<what>fn|struct|enum|trait|impl|class|def|function|interface|type|mod|macro_rules!|func|message"
    r"|service|rpc|CREATE TABLE)"
    r"\s+(?P<name>[A-Za-z_][\w.]*)",
    re.MULTILINE,
)


def title_of(draft: Draft, *, terms: Sequence[str], is_first: bool) -> str:
    """The title of one unit; `is_first` says that it is the first to take its title from the heading."""
    if draft.kind == "definition" and draft.defines:
        return clip(as_title(_defined(draft)), LONGEST_TITLE)
    if draft.kind == "warning" and (told := _warned_of(draft)):
        return clip(told, LONGEST_TITLE)
    if draft.kind == "example" and (named := _example_name(draft)):
        return clip(named, LONGEST_TITLE)
    if is_first and draft.topic:
        return draft.topic
    topics = [term for term in terms if not _says(draft.topic, term)][: 1 if draft.kind != "explanation" else 2]
    topic = draft.topic.partition(": ")[0] if len(draft.topic) > LONGEST_TOPIC else draft.topic
    title = f"{topic}: {' and '.join(topics)}" if draft.topic and topics else draft.topic or " and ".join(topics)
    return clip(as_title(title), LONGEST_TITLE)


def _defined(draft: Draft) -> str:
    names = list(dict.fromkeys(definition.term for definition in draft.defines))
    first, others = names[0], names[1:]
    distinct = [name for name in others if normal(name) not in normal(first) and normal(first) not in normal(name)]
    return " and ".join([first, *distinct[:1]])


def _warned_of(draft: Draft) -> str:
    """What a warning says first, where that is short enough to be its title."""
    opening = next((block.prose.text for block in draft.blocks if isinstance(block, Paragraph)), "")
    first = sentences(opening)[:1]
    return without_end(first[0]) if first and len(first[0]) <= LONGEST_TITLE else ""


def _example_name(draft: Draft) -> str:
    codes = [block for block in draft.blocks if isinstance(block, Code)]
    for code in codes:
        if code.caption:
            return as_title(code.caption.rstrip("."))
    for code in codes:
        if command := COMMAND.search(code.text):
            shown = f"`{clip(command['command'].strip('`').replace('`', ''), 50)}`"
            return f"{draft.topic}: {shown}" if draft.topic else shown
    for code in codes:
        names = list(dict.fromkeys(match["name"] for match in DECLARED.finditer(code.text)))
        names = [name for name in names if name != "main"] or names
        if names and names != ["main"]:
            shown = " and ".join(f"`{name}`" for name in names[:2])
            return (
                f"{draft.topic}: {shown}" if draft.topic and not _says(draft.topic, names[0]) else draft.topic or shown
            )
    return ""


def _says(title: str, term: str) -> bool:
    words = set(WORD.findall(normal(title)))
    return normal(term) in normal(title) or (bool(words) and set(WORD.findall(normal(term))) <= words)

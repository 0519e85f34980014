"""Blocks written as Markdown again, within limits: what a unit shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..generator import CodeSample
from .blocks import Block, Code, Heading, Items, Note, Paragraph, Table
from .prose import Prose

LONGEST_BODY = 16_000
LONGEST_CODE = 6_000
MOST_ROWS = 100
OPENS_A_BLOCK = re.compile(r"^(#{1,6}\s|>|[-+]\s|\d{1,9}[.)]\s|=+$|-+$|~{3})")
BACKTICKS = re.compile(r"`{3,}")


def body_of(blocks: Sequence[Block]) -> str:
    """The blocks as Markdown. What is beyond the limit is left out, and the body says so."""
    parts: list[str] = []
    room = LONGEST_BODY
    for block in blocks:
        part = _markdown(block)
        if part and len(part) > room:
            parts += [_shortened(part, room, block), "*(The document goes on here; see the lines named above.)*"]
            break
        room -= len(part)
        parts += [part] if part else []
    return "\n\n".join(parts)


def code_in(blocks: Iterable[Block]) -> tuple[CodeSample, ...]:
    """The code that the blocks show."""
    return tuple(
        CodeSample(block.language, _short_code(block.text), block.caption, block.file)
        for block in blocks
        if isinstance(block, Code) and block.text
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading(title=title):
            return f"**{title}**"
        case Paragraph(prose=prose):
            return _line(prose)
        case Code():
            return _code(block)
        case Items(items=items, is_ordered=ordered):
            return "\n".join(
                f"{f'{number}.' if ordered else '-'} {_line(item)}" for number, item in enumerate(items, 1)
            )
        case Table():
            return _table(block)
        case Note(blocks=inner):
            return "\n".join(f"> {line}".rstrip() for line in body_of(inner).split("\n"))


def _line(prose: Prose) -> str:
    return OPENS_A_BLOCK.sub(r"\\\1", prose.markdown)


def _code(block: Code) -> str:
    label = f"*{block.caption}*" if block.caption else ""
    if not block.text:
        where = f"*(The document takes this code from a file, `{block.included}`.)*"
        return f"{label}\n\n{where}" if label else where
    longest = max((len(run) for run in BACKTICKS.findall(block.text)), default=2)
    fence = "`" * (longest + 1)
    shown = f"{fence}{block.language}\n{_short_code(block.text)}\n{fence}"
    return "\n\n".join(part for part in (label, f"`{block.file}`" if block.file else "", shown) if part)


def _short_code(text: str) -> str:
    if len(text) <= LONGEST_CODE:
        return text
    return text[: max(text.rfind("\n", 0, LONGEST_CODE), LONGEST_CODE // 2)] + "\n…"


def _table(block: Table) -> str:
    rows = [block.header, *block.rows[:MOST_ROWS]]
    lines = ["| " + " | ".join(cell.markdown.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(block.header))
    return "\n".join(lines)


def _shortened(part: str, room: int, block: Block) -> str:
    if isinstance(block, Code):
        return ""
    cut = max(part.rfind(mark, 0, room) for mark in ("\n", ". ", "。", " "))
    return part[: cut if cut > 0 else room].rstrip() + " …"

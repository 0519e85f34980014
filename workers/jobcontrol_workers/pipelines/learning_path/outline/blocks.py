"""The blocks of one stretch of the document, as values: paragraphs, code, lists, tables, notes and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from .html import Frame, read_frame, visible_text
from .prose import Prose, read_prose
from .source import readable

FOOTNOTE_TEXT = re.compile(r"\[\^[^\]\s]+\]:")
INCLUDE = re.compile(r"^\s*\{\{\s*#\w+\s+(?P<path>[^\s}:]+)[^}]*\}\}\s*$")
LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Heading:
    line: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    first: int
    after: int
    prose: Prose


@dataclass(frozen=True, slots=True)
class Code:
    """`text` is empty where the document only names the file that holds the code: `included` then says which."""

    first: int
    after: int
    language: str
    text: str
    caption: str = ""
    file: str = ""
    included: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; an item's own lists are folded into its prose, and code within items follows as blocks."""

    first: int
    after: int
    is_ordered: bool
    items: tuple[Prose, ...]


@dataclass(frozen=True, slots=True)
class Table:
    first: int
    after: int
    header: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A quotation, with the blocks in it."""

    first: int
    after: int
    blocks: tuple[Block, ...]


Block = Heading | Paragraph | Code | Items | Table | Note


def read_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of `text` that hold anything to read. Lines count from 0 at its beginning."""
    return tuple(_Reader().read(SyntaxTreeNode(PARSER.parse(readable(text)))))


def read_inline(text: str) -> Prose:
    """One line of Markdown, such as a heading's, as prose."""
    (token,) = PARSER.parseInline(text[:1000])
    return read_prose(token.children or [])


class _Reader:
    """Reads siblings in order, carrying a listing's caption and file name on to the code they stand above."""

    def __init__(self) -> None:
        self._frame = Frame()

    def read(self, parent: SyntaxTreeNode) -> Iterator[Block]:
        for node in parent.children:
            yield from self._read_node(node)

    def _read_node(self, node: SyntaxTreeNode) -> Iterator[Block]:
        match node.type:
            case "heading":
                if title := _prose_of(node).text:
                    yield Heading(_lines(node)[0], int(node.tag[1]), title)
            case "paragraph":
                yield from self._read_paragraph(node)
            case "fence" | "code_block":
                yield from self._read_code(node)
            case "bullet_list" | "ordered_list":
                yield from _read_items(node)
            case "table":
                yield from _read_table(node)
            case "blockquote":
                inner = tuple(_Reader().read(node))
                if any(not isinstance(block, Heading) for block in inner):
                    yield Note(*_lines(node), inner)
            case "html_block":
                yield from self._read_html(node)

    def _read_paragraph(self, node: SyntaxTreeNode) -> Iterator[Block]:
        prose = _prose_of(node)
        if prose.role == "filename":
            self._frame = Frame(file=prose.text.partition(":")[2].strip() or prose.text)
        elif not prose.role and LETTER.search(prose.text) and not FOOTNOTE_TEXT.match(node.children[0].content):
            yield Paragraph(*_lines(node), prose)

    def _read_code(self, node: SyntaxTreeNode) -> Iterator[Block]:
        frame, self._frame = self._frame, Frame()
        language = re.split(r"[\s,{:]", node.info.strip() if node.type == "fence" else "", maxsplit=1)[0].lower()
        lines = node.content.rstrip("\n").split("\n")
        includes = [match["path"] for line in lines if (match := INCLUDE.match(line))]
        text = "\n".join(line for line in lines if not INCLUDE.match(line)).strip("\n")
        if text.strip() or includes:
            included = "" if text.strip() else includes[0]
            yield Code(*_lines(node), language, text, frame.caption, frame.file, included)

    def _read_html(self, node: SyntaxTreeNode) -> Iterator[Block]:
        if frame := read_frame(node.content):
            self._frame = frame
        elif text := visible_text(node.content):
            yield Paragraph(*_lines(node), read_inline(text))


def _read_items(node: SyntaxTreeNode) -> Iterator[Block]:
    items, code = [], []
    for item in node.children:
        parts = list(_Reader().read(item))
        code += [part for part in parts if isinstance(part, Code)]
        if prose := _folded(parts):
            items.append(prose)
    if items:
        yield Items(*_lines(node), node.type == "ordered_list", tuple(items))
    yield from code


def _folded(parts: list[Block]) -> Prose | None:
    found: list[Prose] = []
    for part in parts:
        match part:
            case Paragraph(prose=prose):
                found.append(prose)
            case Items(items=items):
                found.extend(items)
            case Note(blocks=inner) if folded := _folded(list(inner)):
                found.append(folded)
    if not found:
        return None
    return Prose(
        " ".join(prose.text for prose in found),
        " ".join(prose.markdown for prose in found),
        tuple(word for prose in found for word in prose.set_apart),
        tuple(word for prose in found for word in prose.strong),
        tuple(word for prose in found for word in prose.code),
    )


def _read_table(node: SyntaxTreeNode) -> Iterator[Block]:
    rows = [tuple(_prose_of(cell) for cell in row.children) for part in node.children for row in part.children]
    if len(rows) > 1 and any(cell.text for row in rows for cell in row):
        yield Table(*_lines(node), rows[0], tuple(rows[1:]))


def _prose_of(node: SyntaxTreeNode) -> Prose:
    inline = node.children[0] if node.children else None
    tokens = inline.token.children if inline and inline.token else None
    return read_prose(tokens or [])


def _lines(node: SyntaxTreeNode) -> tuple[int, int]:
    return node.map if node.map else (0, 1)


PARSER = MarkdownIt("commonmark").enable("table")

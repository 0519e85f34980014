"""The documents as the tests read them: pages, their fenced blocks, links and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from house.source_tree import ROOMS, files, read

FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
#: What stands above a block that no test runs, for the reader to see.
UNTESTED = re.compile(r"^\*No test runs this: .{10,}\*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is the line of its fence, `is_untested` what the page says above it."""

    page: Path
    line: int
    language: str
    text: str
    is_untested: bool

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file_name(self) -> str:
        """The name in a first line that is a comment and nothing but a file name: the block is that file."""
        found = re.match(r"^(?:#|<!--) ?([\w-]+\.\w+)(?: -->)?\n", self.text)
        return found[1] if found else ""


@cache
def pages() -> tuple[Path, ...]:
    """Every Markdown document for readers, relative to the root; one that lies within the code is data."""
    return tuple(path for path in files() if path.suffix == ".md" and path.parts[0] not in (*ROOMS, "third_party"))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = read(page)
    for found in FENCE.finditer(text):
        before = text[: found.start()].rstrip("\n").rpartition("\n")[2]
        line = text.count("\n", 0, found.start()) + 1
        indent, language, body = found.groups()
        body = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        yield Block(page, line, language, body, bool(UNTESTED.match(before)))


def links(page: Path) -> list[str]:
    """What the page's links point to, without those in code."""
    return [match[1] for match in LINK.finditer(CODE.sub("", FENCE.sub("", read(page))))]


def anchors(page: Path) -> set[str]:
    """What a link may name behind a # : the page's headings, as GitHub writes them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", read(page))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        plain = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        number = 0
        while (anchor := f"{plain}-{number}" if number else plain) in found:
            number += 1
        found.add(anchor)
    return found


def make_targets() -> set[str]:
    """What `make help` tells."""
    return set(re.findall(r"^([a-z-]+):.*## ", read(Path("Makefile")), re.MULTILINE))

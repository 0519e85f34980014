"""Where the blocks of a document begin and end, seen from the top, without looking into any of them.

A list or quotation is passed over as one block: a document of a million list items must not become millions of tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from .source import readable

LIST_ITEM = re.compile(r" {0,3}(?:[-+*]|(?P<number>\d{1,9})[.)])(?:[ \t]+\S|[ \t]*$)")
QUOTATION = re.compile(r" {0,3}>")
ENDS_LAZY_TEXT = re.compile(r" {0,3}(?:#{1,6}(?:[ \t]|$)|`{3}|~{3}|(?:[-*_][ \t]*){3,}$|=+[ \t]*$|<)")
RULES = ["code", "fence", "hr", "passed_over", "reference", "html_block", "heading", "lheading", "paragraph"]


@dataclass(frozen=True, slots=True)
class TopBlock:
    """One block of the top level: lines `first` up to but not including `after`; a heading has level and title."""

    kind: str
    first: int
    after: int
    level: int = 0
    title: str = ""


def scan(text: str) -> list[TopBlock]:
    """The top-level blocks of `text`, in order. Link definitions and blank lines are no blocks."""
    tokens = PARSER.parse(readable(text))
    blocks = []
    for number, token in enumerate(tokens):
        if token.map is None or token.level != 0:
            continue
        level = int(token.tag[1]) if token.type == "heading_open" else 0
        title = tokens[number + 1].content if level else ""
        blocks.append(TopBlock(token.type.removesuffix("_open"), token.map[0], token.map[1], level, title))
    return blocks


def _pass_over(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    if state.is_code_block(first):
        return False
    line = _line(state, first)
    item = LIST_ITEM.match(line)
    if not item and not QUOTATION.match(line):
        return False
    if silent:  # asked whether this ends a paragraph: an empty item, or one that starts at 2, does not
        return item is None or (item["number"] in {None, "1"} and line.strip(" -+*.)1") != "")
    after = _end_of_list(state, first, end) if item else _end_of_quotation(state, first, end)
    token = state.push("list" if item else "blockquote", "", 0)
    token.map = [first, after]
    state.line = after
    return True


def _end_of_list(state: StateBlock, first: int, end: int) -> int:
    number, after = first + 1, first + 1
    while number < end:
        line = _line(state, number)
        if not line.strip():
            number += 1
            continue
        belongs = line.startswith(("  ", "\t")) or LIST_ITEM.match(line)
        is_lazy = number == after and not ENDS_LAZY_TEXT.match(line) and not QUOTATION.match(line)
        if (not belongs and not is_lazy) or _is_rule(line):
            break
        number += 1
        after = number
    return after


def _end_of_quotation(state: StateBlock, first: int, end: int) -> int:
    number = first + 1
    while number < end:
        line = _line(state, number)
        if not QUOTATION.match(line) and (not line.strip() or ENDS_LAZY_TEXT.match(line) or LIST_ITEM.match(line)):
            break
        number += 1
    return number


def _is_rule(line: str) -> bool:
    marks = line.replace(" ", "").replace("\t", "")
    return not line.startswith("    ") and len(marks) >= 3 and set(marks) in ({"-"}, {"*"}, {"_"})


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] : state.eMarks[number]]


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.before("list", "passed_over", _pass_over, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.enableOnly(RULES)
    return parser


PARSER = _make_parser()

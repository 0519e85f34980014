"""Running text: an inline token read into plain text, Markdown, and the words its author set apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from .words import CJK

UNRESOLVED_LINK = re.compile(r"(?<![\w\]`])\[(?!!)((?:[^\[\]`]|`[^`]*`)+)\](?:\[[^\[\]]*\])?(?!\()")
FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
CAPTION_MARK = re.compile(r"<span class=[\"'](?P<role>caption|filename)[\"']", re.IGNORECASE)
BREAK_BETWEEN_CJK = re.compile(rf"(?<=[{CJK}、。！？「」]) (?=[{CJK}、。！？「」])")
SPECIAL = re.compile(r"([\\*<`]|(?<!\w)_|_(?!\w))")
SHELF = re.compile("\ue000(\\d+)\ue001")
HIDING_TAG = re.compile(r"<(?P<close>/?)(?:script|style)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph. `text` keeps backticks around code and nothing else of the markup; `markdown` can be rendered.

    `set_apart` are the words in emphasis, `strong` those in strong emphasis, `code` the code spans, each in order.
    `role` is `caption` or `filename` where the whole paragraph is one.
    """

    text: str
    markdown: str
    set_apart: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    role: str = ""


def read_prose(tokens: Sequence[Token]) -> Prose:
    """The text of an inline token's children: without comments, tags, images and links that lead nowhere."""
    reading = _Reading()
    for token in tokens:
        reading.take(token)
    return reading.finish()


@dataclass(slots=True)
class _Reading:
    plain: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    open_marks: list[tuple[str, int]] = field(default_factory=list)
    apart: dict[str, list[str]] = field(default_factory=lambda: {"em": [], "strong": []})
    code: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    role: str = ""
    is_hidden: bool = False

    def take(self, token: Token) -> None:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type == "html_inline":
            self._take_tag(token.content)
        elif self.is_hidden:
            return
        elif name in self.apart:
            self._take_mark(token, name)
        elif name == "link":
            self._take_link(token)
        elif token.type == "code_inline":
            self._take_code(token.content)
        elif token.type in {"text", "text_special"}:
            self.plain.append(token.content)
            self.marked.append(SPECIAL.sub(r"\\\1", token.content))
        elif token.type in {"softbreak", "hardbreak"}:
            self._put(" ")

    def finish(self) -> Prose:
        text, markdown = self._tidied(self.plain), self._tidied(self.marked)
        return Prose(text, markdown, tuple(self.apart["em"]), tuple(self.apart["strong"]), tuple(self.code), self.role)

    def _tidied(self, parts: Sequence[str]) -> str:
        """Tidied text with its code put back, which no tidying may touch."""
        return SHELF.sub(lambda match: _fenced(self.code, int(match[1])), _tidy("".join(parts)))

    def _put(self, text: str) -> None:
        self.plain.append(text)
        self.marked.append(text)

    def _take_tag(self, tag: str) -> None:
        if (mark := CAPTION_MARK.match(tag)) and not "".join(self.plain).strip():
            self.role = mark["role"].lower()
        if hiding := HIDING_TAG.match(tag):
            self.is_hidden = not hiding["close"]
        if tag.lower().startswith("<br"):
            self._put(" ")

    def _take_mark(self, token: Token, name: str) -> None:
        self.marked.append("*" if name == "em" else "**")
        if token.nesting == 1:
            self.open_marks.append((name, len(self.plain)))
        elif self.open_marks:
            name, start = self.open_marks.pop()
            if words := self._tidied(self.plain[start:]).strip(" :."):
                self.apart[name].append(words)

    def _take_link(self, token: Token) -> None:
        if token.nesting == 1:
            target = str(token.attrGet("href") or "")
            self.targets.append(target if target.startswith(("http://", "https://")) else "")
            self.marked.append("[" if self.targets[-1] else "")
        elif self.targets and (target := self.targets.pop()):
            self.marked.append(f"]({target})")

    def _take_code(self, code: str) -> None:
        self._put(f"\ue000{len(self.code)}\ue001")
        self.code.append(code.strip().replace("\n", " "))


def _fenced(codes: Sequence[str], number: int) -> str:
    code = codes[number] if number < len(codes) else ""
    return f"`{code}`" if "`" not in code else f"`` {code} ``"


def _tidy(text: str) -> str:
    text = UNRESOLVED_LINK.sub(r"\1", FOOTNOTE.sub("", text))
    text = " ".join(text.split())
    return BREAK_BETWEEN_CJK.sub("", text)

"""Running text: an inline token read into plain text, Markdown, and the words its author set apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from .words import CJK

UNRESOLVED_LINK = re.compile(r"(?<![\w\]`])\[((?:[^\[\]`]|`[^`]*`)+)\](?:\[[^\[\]]*\])?(?!\()")
FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
CAPTION_MARK = re.compile(r"<span class=[\"'](?P<role>caption|filename)[\"']", re.IGNORECASE)
BREAK_BETWEEN_CJK = re.compile(rf"(?<=[{CJK}、。！？「」]) (?=[{CJK}、。！？「」])")
SPECIAL = re.compile(r"([\\*<`]|(?<!\w)_|_(?!\w))")
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
        text, markdown = _tidy("".join(self.plain)), _tidy("".join(self.marked))
        return Prose(text, markdown, tuple(self.apart["em"]), tuple(self.apart["strong"]), tuple(self.code), self.role)

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
            if words := _tidy("".join(self.plain[start:])).strip(" :."):
                self.apart[name].append(words)

    def _take_link(self, token: Token) -> None:
        if token.nesting == 1:
            target = str(token.attrGet("href") or "")
            self.targets.append(target if target.startswith(("http://", "https://")) else "")
            self.marked.append("[" if self.targets[-1] else "")
        elif self.targets and (target := self.targets.pop()):
            self.marked.append(f"]({target})")

    def _take_code(self, code: str) -> None:
        content = code.strip().replace("\n", " ")
        self.code.append(content)
        self._put(f"`{content}`" if "`" not in content else f"`` {content} ``")


def _tidy(text: str) -> str:
    text = UNRESOLVED_LINK.sub(r"\1", FOOTNOTE.sub("", text))
    text = " ".join(text.split())
    return BREAK_BETWEEN_CJK.sub("", text)

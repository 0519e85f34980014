"""The HTML that documents carry: a frame around a listing, or text worth reading between tags."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|svg|figure|head)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[!?][^<>]*>")
FRAME = re.compile(
    r"\s*<(?:Listing|figure|div)\b(?P<attributes>[^>]*\b(?:caption|file-name|number)=[^>]*)>", re.IGNORECASE
)
ATTRIBUTE = re.compile(r"(?P<name>[\w-]+)=\"(?P<value>[^\"]*)\"")
SENTENCE_OF_WORDS = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a listing: its caption and the file it belongs to."""

    caption: str = ""
    file: str = ""

    def __bool__(self) -> bool:
        return bool(self.caption or self.file)


def read_frame(markup: str) -> Frame:
    """The caption and file name that an opening element gives to the code that follows it."""
    opening = FRAME.match(markup)
    if not opening:
        return Frame()
    given = {
        match["name"].lower(): html.unescape(match["value"]) for match in ATTRIBUTE.finditer(opening["attributes"])
    }
    return Frame(" ".join(given.get("caption", "").split()), given.get("file-name", "").strip())


def visible_text(markup: str) -> str:
    """The text a reader of the page would see, or nothing where it is no more than a label."""
    text = " ".join(html.unescape(TAG.sub(" ", HIDDEN.sub(" ", markup))).split())
    return text if len(text.split()) >= SENTENCE_OF_WORDS or len(text) > 40 else ""

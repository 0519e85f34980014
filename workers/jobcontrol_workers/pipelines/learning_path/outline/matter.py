"""Headings that stand for no subject of their own: front matter, back matter, and what repeats a chapter."""

from __future__ import annotations

import re

from ..generator import LeftOut
from .pieces import Piece

RECAPS = frozenset(
    {"summary", "recap", "conclusion", "conclusions", "wrap-up", "wrapping up", "summing up", "in summary"}
)
APPARATUS = frozenset(
    {
        "acknowledgements", "acknowledgments", "bibliography", "changelog", "colophon", "contents", "contributing",
        "contributors", "copyright", "further reading", "index", "legal notice", "licence", "license", "see also",
        "table of contents", "toc", "works cited",
    }
)  # fmt: skip
NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*|[ivxlc]+)[.):]?\s+", re.IGNORECASE)


def reason_to_leave_out(title: str) -> str:
    """Why a section of this title teaches nothing new, or nothing at all if it may."""
    name = NUMBER.sub("", title.casefold()).strip(" .:!")
    if name in RECAPS:
        return "It repeats what the sections before it say."
    return "It is about the document, not its subject." if name in APPARATUS else ""


def sort_out(pieces: list[Piece]) -> tuple[list[Piece], list[LeftOut]]:
    """The pieces worth learning from, and those to leave out. Where nothing else is there, all are worth it."""
    reasons = [reason_to_leave_out(piece.title) for piece in pieces]
    if all(reasons):
        return pieces, []
    kept = [piece for piece, reason in zip(pieces, reasons, strict=True) if not reason]
    left_out = [
        LeftOut(piece.title, piece.span.first_line, piece.span.last_line, reason)
        for piece, reason in zip(pieces, reasons, strict=True)
        if reason
    ]
    return kept, left_out

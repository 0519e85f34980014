"""Where the words of a run go: data to stdout, in the form that was asked for; what is said to people to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jobcontrol.cli.documents import listed, pick, to_json, to_plain, to_pretty_json
from jobcontrol.cli.tables import Row, columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Data as text for people, unless `json` (one document), `jsonl` (an object a line) or `fields` say otherwise.

    `fields` picks members by their names (`error.type` looks within); without JSON their values come
    tab-separated, a line for each thing and no header.
    """

    json: bool = False
    jsonl: bool = False
    fields: tuple[str, ...] = ()
    has_color: bool = False

    @property
    def wants_data(self) -> bool:
        """True if a program reads what is written."""
        return self.json or self.jsonl or bool(self.fields)

    def write(self, text: str) -> None:
        """Data, one line."""
        sys.stdout.write(f"{text}\n")

    def say(self, text: str) -> None:
        """Words for people; a program that asked for data does not need them, and finds them on stderr."""
        sys.stderr.write(f"{text}\n")

    def write_document(self, value: Any) -> None:
        """One thing, for a program."""
        if self.json:
            self._write_json(self._picked(value))
        else:
            self.write_list([value])

    def write_list(self, items: Iterable[Any], *, is_mixed: bool = False) -> None:
        """A line for each, as it comes, for a program; `is_mixed` if they are of several kinds."""
        for item in items:
            picked = self._picked(item, is_mixed=is_mixed)
            is_text = self.fields and not (self.json or self.jsonl)
            self.write("\t".join(map(_cell, picked.values())) if is_text else to_json(picked))

    def write_items(self, items: Iterable[Any], *, next_cursor: str = "") -> None:
        """A list, for a program: one document of JSON, or a line for each."""
        if self.json:
            self._write_json(listed([self._picked(item) for item in items], next_cursor))
        else:
            self.write_list(items)

    def write_rows(self, items: Sequence[Any], header: Row, rows: Sequence[Row], *, next_cursor: str = "") -> None:
        """A list in columns, or in the form that a program asked for; with a `next_cursor` there is more of it."""
        if self.wants_data:
            self.write_items(items, next_cursor=next_cursor)
        elif rows:
            self.write("\n".join(columns(header, rows, has_color=self.has_color)))
        else:
            self.say("None.")
        if next_cursor:
            self.say(f"The newest {len(items):,}; more with --limit, or with --cursor {next_cursor}")

    def _picked(self, value: Any, *, is_mixed: bool = False) -> Any:
        return pick(to_plain(value), self.fields, is_mixed=is_mixed) if self.fields else value

    def _write_json(self, value: Any) -> None:
        """One document, readable where somebody reads it."""
        self.write(to_pretty_json(value) if sys.stdout.isatty() else to_json(value))


def _cell(value: Any) -> str:
    """A value on one line and within its column; what is nothing is empty."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())

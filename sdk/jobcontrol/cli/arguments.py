"""What is typed, turned into values; whatever cannot be is a usage error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jobcontrol._requests import SAMPLE, DocumentSource, invalid

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)

#: Seconds that anybody may mean.
LONGEST = 10 * 366 * 86400.0
#: Options of every command, which may stand before or after its name.
FLAGS = frozenset({"--json", "--jsonl", "--no-color", "-v", "--verbose"})
VALUED = frozenset({"--server", "--token", "--profile", "--progress", "--fields"})


def hoist(argv: Sequence[str], commands: Iterable[str]) -> list[str]:
    """The arguments with the options of every command before its name, if it is one of `commands`."""
    start = command_index(argv)
    if start is None or argv[start] not in set(commands):
        return list(argv)
    moved, rest = _split(argv[start:])
    return [*argv[:start], *moved, *rest]


def command_index(argv: Sequence[str]) -> int | None:
    """Where the name of the command stands: the first word that is neither an option nor its value."""
    takes_value = False
    for index, word in enumerate(argv):
        if not takes_value and not word.startswith("-"):
            return index
        takes_value = not takes_value and word in VALUED
    return None


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    moved, rest, index = list[str](), list[str](), 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return moved, rest + list(words[index:])
        length = 2 if word in VALUED else 1
        is_global = word in FLAGS or word.split("=", 1)[0] in VALUED
        (moved if is_global else rest).extend(words[index : index + length])
        index += length
    return moved, rest


def parse_duration(text: str, option: str = "--timeout") -> float:
    """Seconds of `90`, `90s`, `10m`, `1h30m`, `7d`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise invalid(option, f"{text!r} is no duration; write for example 90s, 10m, 1h30m or 7d")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = days * 86400 + hours * 3600 + minutes * 60 + seconds
    if total > LONGEST:
        raise invalid(option, f"{text!r} is longer than ten years")
    return total


def parse_labels(pairs: Iterable[str]) -> dict[str, str]:
    """`key=value` pairs as they are."""
    return dict(_pair("--label", pair) for pair in pairs)


def parse_input(pairs: Iterable[str], file: str) -> dict[str, Any]:
    """The JSON object of `file` (`-` is stdin), with each `key=value` on top; a value that is JSON counts as that."""
    given = _read_object(file) if file else {}
    return given | {key: _json_or_text(value) for key, value in (_pair("-i", pair) for pair in pairs)}


def read_document(given: str) -> DocumentSource | None:
    """None without one, the pipeline's sample for `sample`, stdin for `-`, else a file."""
    if given == "-":
        return sys.stdin.buffer.read()
    if given == SAMPLE:
        return SAMPLE
    return Path(given) if given else None


def _pair(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise invalid(option, f"{text!r} is not key=value")
    return key, value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_object(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        value = json.loads(text)
    except OSError as problem:
        raise invalid("-f", f"{file} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise invalid("-f", f"{file} is not JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise invalid("-f", f"{file} holds no JSON object")
    return value

"""What the shell offers while somebody types: words of the commands, and what the server knows, if it is quick."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from jobcontrol._settings import read_settings
from jobcontrol.cli.recent import LAST
from jobcontrol.cli.session import Connect
from jobcontrol.client import Client
from jobcontrol.values import JobStatus

#: Seconds that a server may take; nobody waits longer for a word.
BUDGET = 0.3
#: Recent jobs that are offered.
MOST_JOBS = 20

Offer = tuple[str, str]
"""A word, and what it means."""
Source = Callable[[Client], Iterable[Offer]]
Ask = Callable[[Source], list[Offer]]

#: What the server knows, by the metavar of the argument or option that asks for it.
SOURCES: dict[str, Source] = {
    "JOB": lambda client: [
        (LAST, "the job started last from here"),
        *((job.short_id, f"{job.path_id} {job.status}") for job in client.jobs(limit=MOST_JOBS)),
    ],
    "PIPELINE": lambda client: [(found.pipeline, found.description) for found in client.pipelines()],
    "QUEUE": lambda client: [(found.queue, f"{found.waiting} waiting") for found in client.queues()],
    "WORKER": lambda client: [(found.short_id, f"{found.host}:{found.pid}") for found in client.workers()],
}
#: What is always the same.
WORDS: dict[str, Sequence[str]] = {
    "STATUS": [status for status in JobStatus if status is not JobStatus.UNKNOWN],
}


def answer_shell(words: Sequence[str], root: Any, connect: Connect) -> None:
    """Print the offers for the last of `words`, a word and what it means on each line; silent whatever goes wrong."""
    with suppress(Exception):
        for word, meaning in offers(words, root, connect):
            sys.stdout.write(f"{word}\t{' '.join(meaning.split())}\n")
        sys.stdout.flush()


def offers(words: Sequence[str], root: Any, connect: Connect) -> list[Offer]:
    """What may stand in place of the last of `words`, which is what was typed of it so far."""
    *before, typed = _without_equals(words) or [""]
    place = _find_place(root, before)
    ask = partial(_ask, before, connect)
    if typed.startswith("--") and "=" in typed:
        name, _, value = typed.partition("=")
        return [(f"{name}={word}", told) for word, told in _fitting(_values(place.option(name), ask), value)]
    return _fitting(_candidates(place, typed, ask), typed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is: in which command, behind how many of its arguments, or where an option's value comes."""

    root: Any
    command: Any
    arguments: int = 0
    waiting: Any = None

    def after(self, word: str) -> Place:
        """The place behind one more word."""
        if self.waiting is not None:
            return replace(self, waiting=None)
        if word.startswith("-") and word != "-":
            option = self.option(word)
            return replace(self, waiting=None if option is None or option.is_flag else option)
        if child := self.children.get(word):
            return Place(self.root, child)
        return replace(self, arguments=self.arguments + 1)

    @property
    def children(self) -> Mapping[str, Any]:
        """The commands that a group holds."""
        return getattr(self.command, "commands", None) or {}

    @property
    def options(self) -> Iterator[Any]:
        """Those of the command, and those of every command."""
        for owner in dict.fromkeys((self.command, self.root)):
            yield from (each for each in owner.params if each.param_type_name == "option")

    @property
    def argument(self) -> Any:
        """The argument that comes next; None behind the last one."""
        known = [each for each in self.command.params if each.param_type_name == "argument"]
        if known and self.arguments >= len(known):
            return known[-1] if known[-1].nargs == -1 else None
        return known[self.arguments] if known else None

    def option(self, name: str) -> Any:
        return next((each for each in self.options if name in each.opts), None)


def _find_place(root: Any, before: Sequence[str]) -> Place:
    place = Place(root, root)
    for word in before:
        place = place.after(word)
    return place


def _candidates(place: Place, typed: str, ask: Ask) -> Iterable[Offer]:
    if place.waiting is not None:
        return _values(place.waiting, ask)
    if typed.startswith("-"):
        return [(name, each.help or "") for each in place.options for name in each.opts]
    if place.children and not place.arguments:
        return [(name, child.get_short_help_str(80)) for name, child in place.children.items()]
    return _values(place.argument, ask)


def _values(parameter: Any, ask: Ask) -> Iterable[Offer]:
    metavar = (parameter.metavar or "").strip("[].") if parameter is not None else ""
    if metavar in SOURCES:
        return ask(SOURCES[metavar])
    choices = WORDS.get(metavar) or (metavar.split("|") if "|" in metavar else [])
    return [(choice, "") for choice in choices]


def _fitting(found: Iterable[Offer], typed: str) -> list[Offer]:
    return [offer for offer in found if offer[0].startswith(typed)]


def _ask(before: Sequence[str], connect: Connect, source: Source) -> list[Offer]:
    """What the server answers within the budget; nothing where it does not."""
    given, settings = dict(pairwise(before)), read_settings()
    server, token = given.get("--server") or settings.server, given.get("--token") or settings.token
    try:
        with _alarm(BUDGET), connect(replace(settings, server=server, token=token)) as client:
            return list(source(client.with_options(timeout=BUDGET, retries=0)))
    except Exception:  # noqa: BLE001  a shell that is asking for words has no place for an error
        return []


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Interrupt whatever still runs then, with TimeoutError."""

    def ring(*_: object) -> None:
        raise TimeoutError

    known = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, known)


def _without_equals(words: Sequence[str]) -> list[str]:
    """bash takes `--status=fa` for three words."""
    joined = [word for word in words if word != "="]
    return [*joined, ""] if words and words[-1] == "=" else joined

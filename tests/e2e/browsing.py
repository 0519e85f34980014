"""Clients that watch a job over HTTP as their users would write them, and the one test of what each has seen."""

import http.client
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from services.waiting import wait_until

Message = dict[str, Any]


class Watcher(threading.Thread):
    """Watches until the job's end, comes back after every break with what it saw last, and keeps what it was told."""

    def __init__(self, connect: Callable[[int], Iterable[Message]], *, after: int = 0) -> None:
        super().__init__(daemon=True)
        self._connect = connect
        self.last, self.breaks = after, 0
        self.messages: list[Message] = []
        self.trouble: Exception | None = None
        self.start()

    @property
    def has_ended(self) -> bool:
        return self.trouble is not None or any("finished" in message for message in self.messages)

    def run(self) -> None:
        try:
            while not self.has_ended:
                wait_until(self._comes_through, "somebody answers", timeout=60)
        except Exception as trouble:  # noqa: BLE001 - told to the test that looks
            self.trouble = trouble

    def assert_whole(self) -> None:
        assert self.trouble is None, self.trouble
        assert_whole(self.messages)

    def _comes_through(self) -> bool:
        before = self.last
        try:
            for message in self._connect(self.last):
                self.messages.append(message)
                self.last = int(message["sequence"])
        except (OSError, http.client.HTTPException):
            pass
        self.breaks += not self.has_ended
        return self.has_ended or self.last > before


def assert_whole(messages: list[Message]) -> None:
    """From the first commit to the end of a job that completed, each once and in order."""
    told = [(int(message["firstSequence"]), int(message["sequence"])) for message in messages]
    assert [first for first, _ in told] == [1, *(last + 1 for _, last in told[:-1])]
    assert messages[-1]["finished"]["job"]["status"] == "JOB_STATUS_COMPLETED"


class GaveUp(Exception):
    """An EventSource would not come back after this."""


def event_source(url: str) -> Callable[[int], Iterator[Message]]:
    """What a browser's EventSource does with an answer (WHATWG HTML, 9.2), one connection of it."""

    def connect(after: int) -> Iterator[Message]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(after)} if after else {})}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60)
        except urllib.error.HTTPError as refused:
            raise GaveUp(refused.code) from None
        with answer:
            if answer.status != 200 or answer.headers["content-type"] != "text/event-stream":
                raise GaveUp(answer.status)
            yield from dispatched(answer)

    return connect


def dispatched(lines: Iterable[bytes]) -> Iterator[Message]:
    """The data of events without a name, which reach `onmessage`."""
    fields: dict[str, str] = {}
    for line in lines:
        if text := line.decode().rstrip("\n"):
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields and "event" not in fields:
                yield json.loads(fields["data"])
            fields = {}


def urllib_lines(url: str) -> Callable[[int], Iterator[Message]]:
    """A script with the standard library, which reads lines of JSON."""

    def connect(after: int) -> Iterator[Message]:
        with urllib.request.urlopen(f"{url}?after_sequence={after}", timeout=60) as lines:
            for line in lines:
                told = json.loads(line)
                if "error" in told:
                    return
                yield told["result"]

    return connect


def curl_events(url: str) -> Callable[[int], Iterator[Message]]:
    """curl in a loop of the shell."""

    def connect(after: int) -> Iterator[Message]:
        command = ["curl", "-sfN", "-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {after}", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
            assert curl.stdout is not None
            yield from dispatched(curl.stdout)

    return connect

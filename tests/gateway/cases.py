"""One row of the tables: a rule, what it says of one request, the request, and what must come of it."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from gateway.raw_http import Answer, Ask, Header, ServerSent, server_sent
from gateway.served import Site
from gateway.zookeeper import Script

RULES = [f"R{number:02}" for number in range(1, 19)]
CODES = {400: 3, 404: 5, 405: 12, 413: 8, 415: 3}
ANYTHING: Any = object()
#: In place of a header's value: it must not be there.
ABSENT = None
_SILENT = Script()


@dataclass(frozen=True)
class Case:
    """What is not given is not looked at. `called` holds the RPCs that were made, `got` the request of the only one.

    Of the answer: `json` is its whole body, `holds` a part of it, `detail` one of its details; `body` holds its bytes,
    `starts` the first of them, `lacks` what is not among them; `lines` and `events` are what a stream told. `headers`
    holds headers by name, `listed` members of those that are lists; `metadata` holds what the RPC got, by key.
    """

    rule: str
    claim: str
    ask: Ask
    status: int = 200
    script: Script = _SILENT
    called: Sequence[str] | None = None
    got: Any = None
    json: Any = ANYTHING
    holds: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    starts: bytes = b""
    lacks: bytes | None = None
    detail: Any = None
    lines: Sequence[Any] | None = None
    events: Sequence[Any] | None = None
    listed: Mapping[str, Set[str]] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    metadata: Mapping[str, Sequence[str | bytes]] = field(default_factory=dict)
    allows: Set[str] | None = None
    of_shared: bool = False
    """Whether it is about the gateway that another origin may read."""

    @property
    def id(self) -> str:
        return f"{self.rule} {self.claim}"

    async def check(self, site: Site) -> None:
        answer = await site.ask(self.ask, self.script)
        assert answer.status == self.status, (answer.status, answer.body[:500])
        self._check_calls(site)
        self._check_answer(answer)

    def _check_calls(self, site: Site) -> None:
        if self.called is not None:
            assert [call.rpc for call in site.keeper.calls] == list(self.called)
        if self.got is not None or self.metadata:
            [call] = site.keeper.calls
            assert self.got is None or call.request == self.got
            assert {key: call.values(key) for key in self.metadata} == self.metadata

    def _check_answer(self, answer: Answer) -> None:
        assert self.json is ANYTHING or answer.json == self.json
        assert self.body is None or answer.body == self.body
        assert answer.body.startswith(self.starts)
        assert self.lacks is None or self.lacks not in answer.body
        assert self.detail is None or self.detail in answer.json["details"]
        assert self.allows is None or answer.listed("Allow") == self.allows
        for key, value in self.holds.items():
            assert answer.json[key] == value
        self._check_stream(answer)
        self._check_headers(answer)

    def _check_stream(self, answer: Answer) -> None:
        if self.lines is not None:
            assert answer.body == b"" or answer.body.endswith(b"\n")
            assert [json.loads(line) for line in answer.body.splitlines()] == self.lines
        if self.events is not None:
            assert [as_told(block) for block in server_sent(answer.body)] == self.events

    def _check_headers(self, answer: Answer) -> None:
        for name, expected in self.headers.items():
            assert answer.values(name) == ([] if expected is ABSENT else [expected]), name
        for name, members in self.listed.items():
            assert answer.listed(name) >= members, name


def as_told(block: ServerSent) -> Any:
    """A block in short: (id, data) for a message, (type, data) for another event, what it says beside events."""
    if block.data is None:
        return {"retry": block.retry} if block.retry is not None else {"comment": block.comment is not None}
    assert (block.retry, block.comment) == (None, None)
    if block.type != "message":
        assert block.id is None
        return block.type, json.loads(block.data)
    return block.id, json.loads(block.data)


def asked(line: str, body: Any = b"", *headers: Header) -> Ask:
    """A request; a body that is neither bytes nor pieces of them is sent as JSON."""
    is_raw = isinstance(body, bytes) or (isinstance(body, tuple) and all(isinstance(part, bytes) for part in body))
    return Ask(line, body if is_raw else json.dumps(body).encode(), headers)


def gets(rule: str, claim: str, ask: Ask | str, request: Any, *, rpc: str | None = None) -> Case:
    """The request is served, and the RPC gets `request`."""
    called = None if rpc is None else [rpc]
    return Case(rule, claim, ask if isinstance(ask, Ask) else asked(ask), got=request, called=called)


def refuses(rule: str, claim: str, ask: Ask | str, status: int = 400) -> Case:
    """No RPC is made, and the body is an error of the code that belongs to the status."""
    ask = ask if isinstance(ask, Ask) else asked(ask)
    return Case(rule, claim, ask, status, called=[], holds={"code": CODES[status]})

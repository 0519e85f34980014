"""What the doctor finds, what it advises, and how it exits."""

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int32Value

from jobcontrol import v1 as pb
from jobcontrol.errors import ApiError, ConnectionFailed, JobControlError, NotAuthenticated, NotFound, ServerError
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

BUSY = pb.Queue(queue="build-path", stats=pb.QueueStats(workers=1))
SERVING, NOT_SERVING = Int32Value(value=1), Int32Value(value=2)


def worker(*, skew: timedelta = timedelta(), release: str = "", **fields: Any) -> pb.Worker:
    """A worker whose last heartbeat came two seconds ago, on a server whose clock is ahead by `skew`."""
    made = pb.Worker(
        worker_id="0193f0a1-7c21-7abc-8def-00017f3a91c2",
        status=pb.WORKER_STATUS_READY,
        version=release or version("jobcontrol"),
        slots=4,
        **fields,
    )
    made.heartbeat_at.FromDatetime(datetime.now(UTC) + skew - timedelta(seconds=2))
    made.heartbeat_age.FromTimedelta(timedelta(seconds=2))
    return made


def server(
    *, queue: pb.Queue | None = None, workers: list[pb.Worker] | None = None, **answers: Any
) -> ScriptedTransport:
    usual: dict[str, Any] = {
        "Check": SERVING,
        "ListWorkers": pb.ListWorkersResponse(workers=[worker()] if workers is None else workers),
        "GetStats": pb.GetStatsResponse(),
        "ListQueues": pb.ListQueuesResponse(queues=[queue or BUSY]),
        "ListPipelines": pb.ListPipelinesResponse(pipelines=[pb.Pipeline(pipeline="learning-path")]),
    }
    return ScriptedTransport(**{**usual, **answers})


def examined(shell: Shell, there: ScriptedTransport) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and what was found, by check."""
    code = shell.run(there, "doctor", "--json")
    return code, {item["check"]: item for item in json.loads(shell.out)["items"]}


def test_where_all_is_well_every_check_says_so(shell: Shell) -> None:
    code, found = examined(shell, server())
    assert (code, {one["verdict"] for one in found.values()}) == (0, {"ok"})
    assert list(found) == "address server database redis clock versions workers queues pipelines".split()


@pytest.mark.parametrize(
    ("error", "check", "code", "hint"),
    [
        (ConnectionFailed("no server at x (refused)", why="refused"), "server", 8, "start one: jobctl dev"),
        (NotAuthenticated("no token", reason="TOKEN_MISSING"), "token", 7, "set JOBCONTROL_TOKEN, or pass --token"),
    ],
)
def test_a_server_that_cannot_be_asked_ends_it_with_the_way_out(
    shell: Shell, error: JobControlError, check: str, code: int, hint: str
) -> None:
    silent = server(Check=error) if isinstance(error, ConnectionFailed) else server(ListWorkers=error)
    assert shell.run(silent, "doctor") == code
    last = shell.out.splitlines()[-1]
    assert last.startswith(f"problem  {check}")
    assert last.endswith(hint)


@pytest.mark.parametrize(
    ("there", "check", "verdict", "code"),
    [
        (server(Check=NOT_SERVING), "server", "problem", 8),
        (server(Check=[SERVING, NOT_SERVING]), "redis", "problem", 1),
        (server(Check=[SERVING, NotFound("no such part")]), "redis", "unknown", 0),
        (server(workers=[]), "workers", "problem", 1),
        (server(workers=[]), "clock", "unknown", 1),
        (server(workers=[worker(skew=timedelta(minutes=2))]), "clock", "note", 0),
        (server(workers=[worker(release="0.0.9")]), "versions", "note", 0),
        (server(queue=pb.Queue(queue="q", stats=pb.QueueStats(waiting=3))), "queues", "problem", 1),
        (server(queue=pb.Queue(queue="q")), "queues", "note", 0),
        (server(queue=pb.Queue(queue="q", stats=BUSY.stats, paused=True)), "queues", "note", 0),
        (server(ListPipelines=pb.ListPipelinesResponse()), "pipelines", "problem", 1),
        (server(GetStats=ServerError("the database is gone", code="UNAVAILABLE")), "database", "problem", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told_with_what_to_do(
    shell: Shell, there: ScriptedTransport, check: str, verdict: str, code: int
) -> None:
    exit_code, found = examined(shell, there)
    assert (exit_code, found[check]["verdict"]) == (code, verdict)
    assert bool(found[check]["hint"]) is (verdict not in ("ok", "unknown") and check != "database")


def test_one_answer_is_asked_once_and_not_waited_for_long(shell: Shell) -> None:
    class Stubborn(ScriptedTransport):
        def call(self, rpc: Any, request: Any, limits: Any) -> Any:
            assert (limits.retries, limits.timeout <= 5) == (0, True)
            return super().call(rpc, request, limits)

    there = Stubborn(Check=ApiError("odd"))
    assert shell.run(there, "doctor") == 1

"""`jobctl queues`, against a scripted server."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from jobcontrol import v1 as pb
from sdk.scripted import ScriptedTransport
from unit.test_cli_operating import Operator, operator

__all__ = ["operator"]


def queue(**fields: Any) -> pb.Queue:
    stats = pb.QueueStats(waiting=41, active=5, dead=2)
    stats.oldest_waiting_age.FromTimedelta(timedelta(seconds=130))
    return pb.Queue(**{"queue": "generate-ku", "stats": stats, **fields})


def limited() -> pb.QueueLimits:
    limits = pb.QueueLimits(max_running=5, rate=10)
    limits.rate_window.FromTimedelta(timedelta(minutes=1))
    return limits


def test_queues_tell_what_waits_and_what_limits_them(operator: Operator) -> None:
    listed = [queue(limits=limited(), limits_set=True), queue(paused=True, paused_by="ada", paused_reason="too hot")]
    there = ScriptedTransport(ListQueues=pb.ListQueuesResponse(queues=listed))
    assert operator.run(there, "queues", "list") == 0
    _, first, second = (re.split(" {2,}", line) for line in operator.out.splitlines())
    assert first == ["generate-ku", "open", "41", "2m10", "5", "-", "2", "5 at once, 10 in 60 s (set)", "none"]
    assert second[1] == "paused by ada: too hot"
    assert operator.run(there, "queues", "list", "--json") == 0
    told, _ = json.loads(operator.out)["items"]
    assert (told["limits"]["rate"], told["oldest_waiting_age"]) == ({"count": 10, "per": 60.0}, 130.0)


def test_a_queue_is_paused_with_a_reason_and_resumed(operator: Operator) -> None:
    there = ScriptedTransport(
        PauseQueue=pb.PauseQueueResponse(queue=queue(paused=True)), ResumeQueue=pb.ResumeQueueResponse(queue=queue())
    )
    assert operator.run(there, "queues", "pause", "generate-ku", "--reason", "too hot") == 0
    assert operator.out == "generate-ku: paused, limits none, 41 waiting\n"
    assert there.sent(pb.PauseQueueRequest) == [pb.PauseQueueRequest(queue="generate-ku", reason="too hot")]
    assert operator.run(there, "queues", "resume", "generate-ku", "--reason", "cooled") == 0
    assert there.sent(pb.ResumeQueueRequest) == [pb.ResumeQueueRequest(queue="generate-ku", reason="cooled")]
    assert operator.out == "generate-ku: open, limits none, 41 waiting\n"


@pytest.mark.parametrize(
    ("argv", "count", "seconds"),
    [("10/1m", 10, 60), ("10/min", 10, 60), ("100/s", 100, 1), ("5/250ms", 5, 0.25), ("6/0.5h", 6, 1800)],
)
def test_a_rate_is_written_as_people_say_it(operator: Operator, argv: str, count: int, seconds: float) -> None:
    there = ScriptedTransport(UpdateQueue=pb.UpdateQueueResponse(queue=queue(limits=limited(), limits_set=True)))
    assert operator.run(there, "queues", "limit", "generate-ku", "--rate", argv) == 0
    (sent,) = there.sent(pb.UpdateQueueRequest)
    assert (sent.limits.rate, sent.limits.rate_window.ToTimedelta()) == (count, timedelta(seconds=seconds))
    assert list(sent.update_mask.paths) == ["rate", "rate_window"]
    assert operator.out == "generate-ku: open, limits 5 at once, 10 in 60 s (set), 41 waiting\n"


def test_a_limit_is_lifted_by_none_and_forgotten_by_declared(operator: Operator) -> None:
    there = ScriptedTransport(UpdateQueue=[pb.UpdateQueueResponse(queue=queue())] * 2)
    assert operator.run(there, "queues", "limit", "generate-ku", "--max-running", "none", "--reason", "enough") == 0
    assert operator.run(there, "queues", "limit", "generate-ku", "--declared", "--reason", "as it was") == 0
    lifted, forgotten = there.sent(pb.UpdateQueueRequest)
    assert (list(lifted.update_mask.paths), lifted.limits) == (["max_running"], pb.QueueLimits())
    assert lifted.reason == "enough"
    assert forgotten == pb.UpdateQueueRequest(queue="generate-ku", use_declared=True, reason="as it was")


@pytest.mark.parametrize(
    "argv",
    [(), ("--rate", "fast"), ("--rate", "0/s"), ("--rate", "5000/s"), ("--max-running", "-1"),
     ("--declared", "--max-running", "5")],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_a_usage_error(operator: Operator, argv: tuple[str, ...]) -> None:
    there = ScriptedTransport()
    assert operator.run(there, "queues", "limit", "generate-ku", *argv) == 2
    assert there.sent(pb.UpdateQueueRequest) == []
    assert operator.err.count("\n") == 1

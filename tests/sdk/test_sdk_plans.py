"""Plans say what is needed and go on with what came of it: when they try again, and that they let go of everything."""

from collections.abc import Iterator

import pytest

from jobcontrol import Client
from jobcontrol import v1 as pb
from jobcontrol._plans import Call, Limits, Pause, Plan, call
from jobcontrol._rpcs import GET_JOB, GET_RESULT
from jobcontrol.errors import ConnectionFailed, InvalidState, JobControlError, RateLimited, ServerError
from sdk.recording import JOB_ID, job
from sdk.scripted import ScriptedTransport

REQUEST = pb.GetJobRequest(job_id=JOB_ID)
ANSWER = pb.GetJobResponse(job=job())


def busy(retry_after: float | None = 2.0) -> RateLimited:
    error = RateLimited("too much at once", code="RESOURCE_EXHAUSTED")
    error.retry_after = retry_after
    return error


class Clock:
    """Time that a test moves."""

    seconds = 0.0

    def now(self) -> float:
        return self.seconds


def carry_out(plan: Plan[object], outcomes: Iterator[object], clock: Clock) -> tuple[object, list[float], list[Call]]:
    """What a plan comes to if its calls end so; the pauses it made, in seconds, and its calls."""
    pauses, calls = list[float](), list[Call]()
    effect = next(plan)
    while True:
        try:
            if isinstance(effect, Pause):
                pauses.append(effect.seconds)
                clock.seconds += effect.seconds
                effect = plan.send(None)
                continue
            assert isinstance(effect, Call)
            calls.append(effect)
            outcome = next(outcomes)
            effect = plan.throw(outcome) if isinstance(outcome, BaseException) else plan.send(outcome)
        except StopIteration as end:
            return end.value, pauses, calls


def test_a_server_that_asks_to_be_left_alone_is_and_then_asked_again() -> None:
    clock = Clock()
    plan = call(GET_JOB, REQUEST, Limits(), now=clock.now)
    answer, pauses, calls = carry_out(plan, iter([busy(2.0), busy(3.0), ANSWER]), clock)
    assert answer is ANSWER
    assert [2.0 <= pauses[0] <= 2.5, 3.0 <= pauses[1] <= 3.75] == [True, True]
    assert [effect.request for effect in calls] == [REQUEST] * 3


def test_all_tries_together_keep_to_the_deadline() -> None:
    clock = Clock()
    _, pauses, calls = carry_out(call(GET_JOB, REQUEST, Limits(), now=clock.now), iter([busy(8.0), ANSWER]), clock)
    assert [effect.limits.timeout for effect in calls] == [20.0, 20.0 - pauses[0]]


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (Limits(retries=0), busy(1.0)),
        (Limits(timeout=5.0), busy(6.0)),
        (Limits(), busy(None)),
        (Limits(), ServerError("a defect")),
        (Limits(), InvalidState("it has ended")),
        (Limits(), ConnectionFailed("what the channel itself has tried again")),
    ],
    ids=["no retries", "longer than the deadline", "no time named", "a defect", "a refusal", "a lost link"],
)
def test_what_another_try_does_not_help_is_raised_at_once(limits: Limits, error: JobControlError) -> None:
    clock = Clock()
    with pytest.raises(type(error)) as raised:
        carry_out(call(GET_JOB, REQUEST, limits, now=clock.now), iter([error]), clock)
    assert (raised.value, clock.seconds) == (error, 0.0)


def test_after_the_last_try_the_refusal_is_raised() -> None:
    clock = Clock()
    with pytest.raises(RateLimited):
        carry_out(call(GET_JOB, REQUEST, Limits(retries=2), now=clock.now), iter([busy(1.0)] * 3), clock)
    assert 2.0 <= clock.seconds <= 2.5


def test_an_rpc_that_must_not_be_sent_twice_is_not() -> None:
    with pytest.raises(RateLimited):
        carry_out(call(GET_RESULT, pb.GetResultRequest(), Limits()), iter([busy(0.1)]), Clock())


def test_options_make_another_client_over_the_same_connection() -> None:
    client = Client(transport=ScriptedTransport(GetJob=ANSWER), timeout=20.0)
    hasty = client.with_options(timeout=1.0, retries=0)
    assert (hasty._limits, client._limits) == (Limits(1.0, 0, 600.0), Limits(20.0, 3, 600.0))
    assert hasty.job(JOB_ID) == client.job(JOB_ID)
    assert hasty._connection.transport is client._connection.transport

"""Dead letters requeued and discarded over the wire, and the dispatcher that goes on with it."""

from typing import Any

import pytest

from jobcontrol import v1 as pb
from jobcontrol_core.domain.ids import new_id
from rpc.serving import Serving, refused, serving
from services.waiting import wait_until
from store.factories import SUB_CONCEPTS, failed, succeeded


async def broken_job(server: Serving, path_id: str, *messages: str) -> str:
    """A running job with one dead letter for each message, and one PENDING step."""
    job_id = await server.start(path_id)
    await server.work(server.worker.fan_out, job_id, len(messages) + 1)
    for message in messages:
        step = await server.work(server.worker.claim_one, job_id, SUB_CONCEPTS)
        await server.work(server.worker.end, (step, failed(message, is_final=True)))
    return job_id


async def letters(server: Serving, **conditions: Any) -> list[pb.DeadLetter]:
    request = pb.ListDeadLettersRequest(filter=pb.DeadLetterFilter(**conditions))
    return list((await server.stub.ListDeadLetters(request)).dead_letters)


async def test_letters_are_requeued_by_the_endings_of_their_ids(either_server: Serving) -> None:
    server = either_server
    job_id = await broken_job(server, "a", "no fish", "no meat")
    newest, oldest = await letters(server)
    request = pb.RequeueDeadLettersRequest(dead_letter_ids=[newest.dead_letter_id[-12:], "ffff"])
    answer = await server.stub.RequeueDeadLetters(request)
    assert (answer.requeued_count, [failure.reason for failure in answer.failures]) == (1, ["DEAD_LETTER_NOT_FOUND"])
    assert [letter.dead_letter_id for letter in await letters(server)] == [oldest.dead_letter_id]
    job = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert (job.error_count, job.progress.stages[1].pending) == (1, 2)


async def test_a_requeue_that_comes_again_gets_its_first_answer(either_server: Serving) -> None:
    server = either_server
    await broken_job(server, "a", "no fish", "no meat")
    wanted = pb.DeadLetterFilter(queue="learning-path-sub-concepts")
    request = pb.RequeueDeadLettersRequest(filter=wanted, request_id=new_id())
    first = await server.stub.RequeueDeadLetters(request)
    assert first.requeued_count == 2
    assert await server.stub.RequeueDeadLetters(request) == first
    request.reason = "another"
    assert (await refused(server.stub.RequeueDeadLetters(request))).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("is_gradual", [False, True])
async def test_a_dry_run_counts_and_changes_nothing(either_server: Serving, is_gradual: bool) -> None:
    server = either_server
    await broken_job(server, "a", "no fish", "no meat")
    before = await letters(server)
    request = pb.RequeueDeadLettersRequest(
        dead_letter_ids=[letter.dead_letter_id for letter in before], validate_only=True, canary=is_gradual
    )
    answer = await server.stub.RequeueDeadLetters(request)
    assert (answer.requeued_count, answer.waiting_count, answer.requeue_id) == (
        (1, 1, "") if is_gradual else (2, 0, "")
    )
    discards = pb.DiscardDeadLettersRequest(filter=pb.DeadLetterFilter(fingerprint=before[0].fingerprint))
    discards.validate_only = True
    assert (await server.stub.DiscardDeadLetters(discards)).discarded_count == 1
    assert await letters(server) == before


async def test_a_discarded_letter_is_found_no_more(server: Serving) -> None:
    await broken_job(server, "a", "no fish", "no meat")
    newest, oldest = await letters(server)
    request = pb.DiscardDeadLettersRequest(dead_letter_ids=[newest.dead_letter_id], request_id=new_id())
    first = await server.stub.DiscardDeadLetters(request)
    assert (first.discarded_count, await server.stub.DiscardDeadLetters(request)) == (1, first)
    assert [letter.dead_letter_id for letter in await letters(server)] == [oldest.dead_letter_id]


async def test_a_gradual_requeue_goes_on_at_the_next_server(database_url: str) -> None:
    async with serving(database_url) as server:
        job_id = await broken_job(server, "a", "no fish", "no meat", "no milk")
        request = pb.RequeueDeadLettersRequest(filter=pb.DeadLetterFilter(job_id=job_id), canary=True, per_second=100)
        answer = await server.stub.RequeueDeadLetters(request)
        assert (answer.requeued_count, answer.waiting_count) == (1, 2)
        states = {(letter.requeue.requeue_id, letter.requeue.state) for letter in await letters(server)}
        assert states == {(answer.requeue_id, pb.REQUEUE_STATE_CANARY)}
        step = await server.work(server.worker.claim_one, job_id, SUB_CONCEPTS)
    async with serving(database_url) as server:
        await server.work(server.worker.end, (step, succeeded()))
        await server.work(
            wait_until, lambda: server.worker.job(job_id).stages[1].counts.failed == 0, "all are requeued"
        )
        assert await letters(server) == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "dead_letter_ids"),
        ({"filter": pb.DeadLetterFilter()}, "filter"),
        ({"filter": pb.DeadLetterFilter(created=pb.TimeRange())}, "filter"),
        ({"dead_letter_ids": ["NO"]}, "dead_letter_ids[0]"),
        ({"dead_letter_ids": ["abcd"], "filter": pb.DeadLetterFilter(queue="heavy")}, "dead_letter_ids"),
        ({"dead_letter_ids": ["abcd"] * 1_001}, "dead_letter_ids"),
        ({"dead_letter_ids": ["abcd"], "per_second": 5_000}, "per_second"),
    ],
)
async def test_letters_are_named_or_found_by_a_filter_that_filters(
    server: Serving, fields: dict[str, Any], wrong: str
) -> None:
    refusal = await refused(server.stub.RequeueDeadLetters(pb.RequeueDeadLettersRequest(**fields)))
    assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [wrong])

"""Dead letters and groups of errors, read over the wire."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import v1 as pb
from rpc.serving import Serving, refused
from store.factories import failed


async def broken_job(server: Serving, path_id: str, *messages: str) -> str:
    job_id = await server.start(path_id)
    await server.work(server.worker.fan_out, job_id, len(messages) + 1)
    for message in messages:
        step = await server.work(server.worker.claim_one, job_id, 1)
        await server.work(server.worker.end, (step, failed(message, is_final=True)))
    return job_id


async def test_dead_letters_come_in_pages_newest_first(either_server: Serving) -> None:
    job_id = await broken_job(either_server, "a", "no fish", "no meat", "no milk")
    request, found = pb.ListDeadLettersRequest(page_size=2), []
    while True:
        response = await either_server.stub.ListDeadLetters(request)
        found += response.dead_letters
        if not (token := response.next_page_token):
            break
        request.page_token = token
    assert [letter.step.error.message for letter in found] == ["no milk", "no meat", "no fish"]
    assert {(letter.job_id, letter.step.status) for letter in found} == {(job_id, pb.STEP_STATUS_FAILED)}


async def test_dead_letters_are_found_by_the_ending_of_a_job_and_by_their_group(server: Serving) -> None:
    job_id = await broken_job(server, "a", "quota of 10 used up", "quota of 20 used up", "no answer")
    await broken_job(server, "b", "no answer")
    groups = (await server.stub.ListErrorGroups(pb.ListErrorGroupsRequest(job_id=job_id[-8:]))).error_groups
    assert [(group.step_count, group.job_count) for group in groups] == [(2, 1), (1, 1)]
    wanted = pb.DeadLetterFilter(job_id=job_id[-8:], fingerprint=groups[0].fingerprint)
    found = (await server.stub.ListDeadLetters(pb.ListDeadLettersRequest(filter=wanted))).dead_letters
    assert {letter.step.error.message for letter in found} == {"quota of 10 used up", "quota of 20 used up"}


async def test_groups_come_in_pages(server: Serving) -> None:
    await broken_job(server, "a", "no fish", "no meat", "no meat")
    first = await server.stub.ListErrorGroups(pb.ListErrorGroupsRequest(page_size=1))
    request = pb.ListErrorGroupsRequest(page_size=1, page_token=first.next_page_token)
    second = await server.stub.ListErrorGroups(request)
    assert [page.error_groups[0].message for page in (first, second)] == ["no meat", "no fish"]
    assert second.next_page_token == ""


@pytest.mark.parametrize("seconds", [-(10**17), 10**17])
async def test_a_span_may_be_open_or_end_anywhere(server: Serving, seconds: int) -> None:
    await broken_job(server, "a", "no fish")
    span = pb.TimeRange(end_time=Timestamp(seconds=seconds, nanos=999_999_999))
    found = await server.stub.ListDeadLetters(pb.ListDeadLettersRequest(filter=pb.DeadLetterFilter(created=span)))
    assert len(found.dead_letters) == (seconds > 0)


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("ListDeadLetters", pb.ListDeadLettersRequest(filter=pb.DeadLetterFilter(job_id="0123456789ab"))),
        ("ListErrorGroups", pb.ListErrorGroupsRequest(job_id="0123456789ab")),
    ],
)
async def test_a_job_that_is_not_there_is_said_not_to_be(server: Serving, rpc: str, request_: object) -> None:
    assert (await refused(getattr(server.stub, rpc)(request_))).reason == "JOB_NOT_FOUND"


async def test_a_filter_is_checked_field_by_field(server: Serving) -> None:
    wrong = pb.DeadLetterFilter(queue="No", fingerprint="xyz")
    refusal = await refused(server.stub.ListDeadLetters(pb.ListDeadLettersRequest(filter=wrong)))
    assert refusal.fields == ["filter.queue", "filter.fingerprint"]

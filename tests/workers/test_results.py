"""What handlers read from the store: results by stage, their document, and a key that outlives attempts and retries."""

from typing import Any

import pytest

from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store.lookup import read_build
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_core.store.retries import NewRetry, retry_job
from jobcontrol_workers import context
from jobcontrol_workers.context import StoredResults
from workers.floor import Floor
from workers.letters import letters


async def test_results_come_in_document_order_page_by_page(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_PAGE", 4)
    word = [f"{number}" for number in range(12)]
    pipeline = letters(word=word)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.completed(job_id)
    build = floor.store.read(read_build, job_id)
    assert build is not None
    results = StoredResults(floor.store, build)
    assert list(results["spell"]) == word
    assert list(results["spell"]) == word, "they can be read again"
    assert floor.result(job_id) == word


async def test_results_leave_out_what_did_not_complete(floor: Floor) -> None:
    async def spell(ctx: Any, letter: str) -> str:
        return ctx.skip("known") if letter == "b" else letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.completed(job_id)
    assert floor.result(job_id) == ["a", "c"]


async def test_results_of_a_stage_that_there_is_not_are_an_error(floor: Floor) -> None:
    job_id = floor.start(letters())
    build = floor.store.read(read_build, job_id)
    assert build is not None
    with pytest.raises(KeyError):
        StoredResults(floor.store, build)["spelling"]


async def test_the_idempotency_key_is_a_steps_own_and_the_same_for_attempts_and_retry_jobs(floor: Floor) -> None:
    keys: dict[str, list[str]] = {}
    is_over = False

    async def spell(ctx: Any, letter: str) -> str:
        keys.setdefault(letter, []).append(ctx.idempotency_key)
        if letter == "b" and not is_over:
            raise ValueError("not yet")
        return letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    with floor.dispatcher():
        first = await floor.completed(floor.start(pipeline))
        assert first.error_count == 1
        is_over = True
        key = RequestKey.of("default", "", "Retry", b"")
        retried = floor.store.write(retry_job, NewRetry(tenant="default", job_id=first.id, key=key, actor="ada"))
        assert (await floor.ended(retried.job_id)).status is JobStatus.COMPLETED
        other = await floor.completed(floor.start(pipeline))
    assert other.id != first.id
    assert len(keys["b"]) == 3 + 1 + 1
    assert len(set(keys["b"][:4])) == 1
    assert keys["b"][4] not in keys["b"][:4]
    assert set(keys["a"]).isdisjoint(keys["b"])

"""Limits of a queue as worker processes meet them: kept over all of them, and nobody is kept from other work."""

from jobcontrol.pipeline import Pipeline, Rate
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.store.pipelines import publish_pipeline
from jobcontrol_core.store.queues import limit_queue, pause_queue, resume_queue
from jobcontrol_workers.registry import Registry
from workers.floor import Floor
from workers.letters import Gate, letters

SPELL = "letters-spell"


def publish(floor: Floor, pipeline: Pipeline) -> None:
    (spec,) = Registry([pipeline], floor.settings).specs()
    floor.store.write(publish_pipeline, spec)


async def test_two_processes_together_run_no_more_than_may(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdefgh", max_running=3)
    publish(floor, pipeline)
    for _ in range(2):
        floor.employ(pipeline)
    jobs = [floor.start(pipeline), floor.start(pipeline)]
    with floor.dispatcher():
        await floor.until(lambda: len(gate.inside) == 3, "three letters are being spelled")
        gate.open()
        for job_id in jobs:
            await floor.completed(job_id)
    assert gate.most_inside == 3


async def test_a_build_goes_on_by_itself_as_its_window_opens(floor: Floor) -> None:
    pipeline = letters(word="abcdef", rate=Rate(2, per=0.1))
    publish(floor, pipeline)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert floor.count(job.id, StepStatus.COMPLETED) == 8


async def test_a_full_queue_keeps_nobody_from_other_work(floor: Floor) -> None:
    gate = Gate()
    held, other = letters(gate.handler, word="ab", max_running=1), letters(name="others")
    publish(floor, held)
    publish(floor, other)
    floor.employ(held, other)
    held_id = floor.start(held)
    await floor.until(lambda: len(gate.inside) == 1, "one letter is being spelled, and the other may not")
    with floor.dispatcher():
        await floor.completed(floor.start(other))
        assert gate.inside == ["a"]
        gate.open()
        await floor.completed(held_id)


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(floor: Floor) -> None:
    pipeline = letters(word="ab")
    publish(floor, pipeline)
    floor.store.write(pause_queue, SPELL, actor="ada", reason="")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.count(job_id, StepStatus.COMPLETED) == 1, "the word is split")
    assert floor.count(job_id, StepStatus.PENDING) == 2
    floor.store.write(resume_queue, SPELL, actor="ada", reason="")
    with floor.dispatcher():
        await floor.completed(job_id)


async def test_a_limit_that_is_raised_binds_at_once(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcd", max_running=1)
    publish(floor, pipeline)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    with floor.dispatcher():
        await floor.until(lambda: len(gate.inside) == 1, "one letter is being spelled")
        floor.store.write(limit_queue, SPELL, {"max_running": 4}, actor="ada", reason="")
        await floor.until(lambda: len(gate.inside) == 4, "all letters are")
        gate.open()
        await floor.completed(job_id)

"""Which commits travel in one message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobcontrol_core.domain.events import MAX_STEPS, JobEvent

#: Consecutive events of one job.
Run = tuple[JobEvent, ...]


def cut(events: Sequence[JobEvent], most_steps: int = MAX_STEPS) -> Iterator[Run]:
    """Consecutive events as the fewest runs that one message each can tell.

    A run names at most `most_steps` different steps, or is a single event. The event that ends the job is
    always a run of its own.
    """
    run: list[JobEvent] = []
    named: set[str] = set()
    for event in events:
        ids = {step.id for step in event.steps}
        if run and (event.status.has_ended or len(named | ids) > most_steps):
            yield tuple(run)
            run, named = [], set()
        run.append(event)
        named |= ids
    if run:
        yield tuple(run)

"""Steps that failed for good, and what is done with their dead letters."""

from typing import Any

from jobcontrol_core.store.audit import Order
from jobcontrol_core.store.gradual import Begun, Pace, advance_requeue, begin_requeue
from jobcontrol_core.store.letters import DeadLetter, LetterFilter, list_letters
from jobcontrol_core.store.requeues import Requeued, requeue_letters
from store.builds import Builds
from store.factories import SUB_CONCEPTS, TENANT, failed

ORDER = Order(TENANT, "bob", "the quota is back")


def bury(builds: Builds, path_id: str, *messages: str, others: int = 1) -> str:
    """A job with one step for each message, all failed for good, one commit after the other; `others` are PENDING."""
    job_id = builds.start(path_id=path_id)
    builds.fan_out(job_id, len(messages) + others)
    claimed = builds.claim(job_id, SUB_CONCEPTS, len(messages))
    for step, message in zip(claimed, messages, strict=False):
        builds.end((step, failed(message, is_final=True)))
    return job_id


def letters(builds: Builds, tenant: str = TENANT, **conditions: Any) -> list[DeadLetter]:
    """The dead letters there are, newest first."""
    return builds.store.read(list_letters, tenant, LetterFilter(**conditions), after=None, limit=1_000)


def letter_ids(builds: Builds, **conditions: Any) -> list[str]:
    """Their ids, oldest first."""
    return [letter.id for letter in reversed(letters(builds, **conditions))]


def requeue(builds: Builds, *ids: str, order: Order = ORDER) -> Requeued:
    """Requeue these letters, or all, and audit every job that this touched."""
    done = builds.store.write(requeue_letters, order, ids or letter_ids(builds))
    return _audited(builds, done)


def begin(builds: Builds, *, canary: bool = False, per_second: float = 0.0) -> Begun:
    """Requeue all letters little by little."""
    begun = builds.store.write(begin_requeue, ORDER, letter_ids(builds), Pace(canary, per_second))
    _audited(builds, begun.at_once)
    return begun


def advance(builds: Builds, requeue_id: str) -> Requeued:
    """What the dispatcher does at each of its turns."""
    return _audited(builds, builds.store.write(advance_requeue, requeue_id))


def _audited(builds: Builds, done: Requeued) -> Requeued:
    if builds.is_audited:
        for one in done.committed:
            builds.audit(one.job_id)
    return done

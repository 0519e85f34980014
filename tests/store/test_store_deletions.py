"""Jobs deleted: unseen at once, gone little by little, and nothing goes that another job names."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.errors import EtagMismatch, JobNotFound, JobNotTerminal
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.domain.outcomes import Interrupted, Succeeded
from jobcontrol_core.store import deletions
from jobcontrol_core.store.blobs import digest_of, put_blobs
from jobcontrol_core.store.builds import NewDocument
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.deletions import delete_job, delete_old_jobs, have_deleted, purge
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.lookup import list_jobs, read_outputs, resolve_job_id
from jobcontrol_core.store.retention import HISTORY
from jobcontrol_core.store.stats import read_stats
from jobcontrol_core.store.stopping import abandon_running
from jobcontrol_core.store.tables import audit_events, blobs, jobs
from store.audit import rows_left
from store.builds import Builds, tree
from store.burying import ORDER, bury, letters, requeue
from store.factories import SUB_CONCEPTS, TENANT, children, failed, succeeded
from store.threads import side_by_side

WEEK = timedelta(days=7)
LONG = '"' + "x" * 20_000 + '"'
DOCUMENT = NewDocument(b"# Rust\n", "text/markdown", "rust.md")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "HISTORY", dict.fromkeys(HISTORY, 2))
    monkeypatch.setattr(deletions, "ROWS", dict.fromkeys(deletions.ROWS, 2))
    monkeypatch.setattr(deletions, "VALUES", 1)


def delete(builds: Builds, job_id: str, etag: str = "") -> None:
    builds.store.write(delete_job, job_id, ORDER, etag=etag)


def purge_all(builds: Builds) -> int:
    """How many transactions it took until nothing of deleted jobs was left, but of one that somebody holds."""
    turns = 0
    while builds.store.write(purge):
        turns += 1
    return turns


def broken_job(builds: Builds, path_id: str = "broken") -> str:
    """A job that ended with long values, a result, and a dead letter."""
    job_id = builds.start(path_id=path_id, document=DOCUMENT)
    root = builds.claim_one(job_id)
    builds.end((root, succeeded(born=children(SUB_CONCEPTS, 3, input=LONG), output=LONG)))
    good, bad, other = builds.claim(job_id)
    builds.end((good, succeeded(output=LONG[:-2] + 'y"')), (bad, failed(is_final=True)), (other, succeeded()))
    builds.end((builds.claim_one(job_id), Succeeded('"result"', renderings={"text/markdown": b"# Path\n"})))
    return job_id


def test_a_deleted_job_is_seen_by_nobody_and_all_of_it_goes(builds: Builds) -> None:
    job_id = broken_job(builds)
    delete(builds, job_id)
    with pytest.raises(JobNotFound):
        builds.store.read(resolve_job_id, TENANT, job_id[-8:])
    with pytest.raises(JobNotFound):
        builds.job(job_id)
    with pytest.raises(JobNotFound):
        builds.retry(job_id)
    assert builds.store.read(list_jobs, TENANT, JobFilter(), after=None, limit=5) == []
    assert letters(builds) == []
    stats = builds.store.read(read_stats, TENANT, WEEK)
    assert (stats.completed, stats.dead_letters) == (0, 0)
    assert builds.store.read(have_deleted)
    assert purge_all(builds) > 5
    assert not builds.store.read(have_deleted)
    assert builds.store.read(rows_left) == {}


def test_only_a_job_that_has_ended_and_is_as_it_was_seen_is_deleted(builds: Builds) -> None:
    running = builds.start()
    with pytest.raises(JobNotTerminal):
        delete(builds, running)
    builds.cancel(running)
    with pytest.raises(EtagMismatch):
        delete(builds, running, etag='"old"')
    delete(builds, running, etag=builds.job(running).etag)
    with pytest.raises(JobNotFound):
        delete(builds, running)


def test_who_deleted_what_and_why_stays(builds: Builds) -> None:
    job_id = bury(builds, "p", "boom", others=0)
    delete(builds, job_id)
    purge_all(builds)
    event = audit_events.c
    told = builds.store.read(
        lambda tx: tx.execute(select(event.action, event.resource, event.actor, event.reason)).all()
    )
    assert told == [("DeleteJob", f"jobs/{job_id}", ORDER.actor, ORDER.reason)]


def test_a_retry_goes_on_when_what_it_took_over_is_deleted(builds: Builds) -> None:
    old = broken_job(builds)
    new = builds.retry(old).job_id
    delete(builds, old)
    purge_all(builds)
    taken_over = builds.store.read(read_outputs, new, SUB_CONCEPTS, after="", limit=10)
    assert [len(output) for _, output in taken_over] == [len(LONG), 6]
    build = builds.build(new)
    assert build.document is not None
    assert builds.store.read(kept, build.document.sha256)
    assert builds.run(new, tree()).status is JobStatus.COMPLETED
    assert builds.store.read(kept, digest_of(b"# Path\n")) is False


def test_what_two_jobs_name_goes_with_the_second(builds: Builds) -> None:
    first, second = broken_job(builds, "a"), broken_job(builds, "b")
    delete(builds, first)
    purge_all(builds)
    builds.audit(second)
    delete(builds, second)
    purge_all(builds)
    assert builds.store.read(rows_left) == {}


@pytest.mark.parametrize("turn", range(5))
def test_a_value_that_somebody_is_about_to_name_stays(builds: Builds, turn: int) -> None:
    gone, lasting = broken_job(builds, "a"), builds.start(path_id="b")
    delete(builds, gone)
    value = DOCUMENT.content

    def name(tx: Connection) -> None:
        put_blobs(tx, read_now(tx), [(lasting, value), (lasting, LONG.encode())])

    side_by_side(lambda: purge_all(builds), lambda: builds.store.write(name))
    purge_all(builds)
    assert builds.store.read(kept, digest_of(value))
    assert builds.store.read(kept, digest_of(LONG.encode()))


def test_a_handler_that_was_given_up_may_end_while_its_job_goes(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 5)
    held = builds.claim(job_id)
    builds.cancel(job_id)
    builds.write(abandon_running, job_id)
    delete(builds, job_id)
    builds.is_audited = False

    def end_all() -> None:
        for one in held:
            builds.end((one, Interrupted("STOPPED")))

    side_by_side(lambda: purge_all(builds), end_all)
    purge_all(builds)
    assert builds.store.read(rows_left) == {}


def test_the_letters_of_a_deleted_job_are_requeued_by_nobody(builds: Builds) -> None:
    job_id = bury(builds, "p", "boom", others=0)
    (letter,) = letters(builds)
    delete(builds, job_id)
    done = requeue(builds, letter.id)
    assert [failure.reason for failure in done.failures] == ["JOB_NOT_FOUND"]


def test_jobs_that_ended_long_ago_are_deleted_and_no_others(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "OLD_JOBS", 2)
    old = [broken_job(builds, f"old-{number}") for number in range(3)]
    running = builds.start(path_id="running")
    builds.rewind(jobs.c.completed_at, WEEK)
    late = broken_job(builds, "late")
    assert [builds.store.write(delete_old_jobs, WEEK) for _ in range(3)] == [2, 1, 0]
    purge_all(builds)
    assert {builds.job(job_id).id for job_id in (running, late)} == {running, late}
    why = "ended more than 7 days ago"
    assert builds.store.read(audited) == sorted(("DeleteJob", f"jobs/{job_id}", "system", why) for job_id in old)


def kept(tx: Connection, digest: str) -> bool:
    return bool(tx.execute(select(func.count()).where(blobs.c.sha256 == digest)).scalar_one())


def audited(tx: Connection) -> list[tuple[str, ...]]:
    event = audit_events.c
    found = select(event.action, event.resource, event.actor, event.reason).order_by(event.resource)
    return [tuple(row) for row in tx.execute(found)]

"""A database that a newer release works on, too: this one reads past what it does not know, and goes on."""

from typing import Any

from sqlalchemy import JSON, Connection

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.domain.reports import Line, Progress
from jobcontrol_core.store.eventlog import LogFilter, read_log
from jobcontrol_core.store.exchange import exchange
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.letters import LetterFilter, list_error_groups, list_letters
from jobcontrol_core.store.lookup import get_job, get_step, list_jobs, list_steps, read_build
from jobcontrol_core.store.pipelines import get_pipeline, list_pipelines, publish_pipeline
from jobcontrol_core.store.queues import list_queues
from jobcontrol_core.store.reaping import reap
from jobcontrol_core.store.roster import list_processes
from jobcontrol_core.store.sessions import live_stages
from jobcontrol_core.store.tables import metadata, workers
from store import next_release
from store.builds import Builds, tree
from store.factories import LEASE, SUB_CONCEPTS, TENANT, children, failed, pipeline, report_of, succeeded

ALL = 1_000
#: What callers name themselves, what is written and never read as a value of ours, and what is no object.
NOT_OURS = {"jobs.parameters", "jobs.labels", "jobs.results", "alerts.payload", "queues.grants"}


def _everything(tx: Connection, builds: Builds, job_id: str) -> dict[str, Any]:
    """Whatever can be read of a job and around it, by every reader."""
    steps = list_steps(tx, job_id, limit=ALL)
    letters = list_letters(tx, TENANT, LetterFilter(), after=None, limit=ALL)
    events = builds.events(job_id)
    return {
        "job": get_job(tx, job_id),
        "jobs": list_jobs(tx, TENANT, JobFilter(), after=None, limit=ALL),
        "build": read_build(tx, job_id),
        "steps": steps,
        "details": [get_step(tx, job_id, step.id) for step in steps],
        "letters": letters,
        "groups": list_error_groups(tx, TENANT, LetterFilter(), after=None, limit=ALL),
        "events": events,
        "log": read_log(tx, job_id, LogFilter(), after=None, limit=ALL).lines,
        "processes": [(one.session_id, one.stages) for one in list_processes(tx, TENANT, limit=ALL)],
        "live": live_stages(tx),
        "pipeline": get_pipeline(tx, "learning-path"),
        "pipelines": list_pipelines(tx),
        "queues": [(one.name, one.limits, one.declared, one.is_chosen) for one in list_queues(tx)],
    }


def _half_done(builds: Builds) -> str:
    """A build of which something is done, something failed, something runs and something waits."""
    builds.store.write(publish_pipeline, pipeline(sample=b"# Sample"))
    job_id = builds.start()
    builds.fan_out(job_id, 4)
    done, dead, talking = builds.claim(job_id, SUB_CONCEPTS, 3)
    said = report_of(talking, lines=(Line(1, "so far"),), progress=Progress(0.5, "half"))
    builds.store.write(exchange, builds.session, [], [], [said])
    builds.end((done, succeeded(born=children(SUB_CONCEPTS + 1, 2))), (dead, failed(is_final=True)))
    return job_id


def test_every_column_that_holds_values_of_ours_is_among_those_that_say_more() -> None:
    json_columns = {str(column) for table in metadata.sorted_tables for column in table.c if type(column.type) is JSON}
    assert {str(column) for column in next_release.OURS} == json_columns - NOT_OURS


def test_what_a_newer_release_wrote_is_read_as_far_as_it_is_known(builds: Builds) -> None:
    job_id = _half_done(builds)
    before = builds.store.read(_everything, builds, job_id)
    builds.store.write(next_release.migrate)
    builds.store.write(next_release.say_more)
    assert builds.store.read(_everything, builds, job_id) == before
    builds.audit(job_id)


def test_a_build_goes_on_in_a_database_that_a_newer_release_has_migrated(builds: Builds) -> None:
    job_id = _half_done(builds)
    builds.store.write(next_release.migrate)
    builds.store.write(next_release.say_more)
    builds.rewind(workers.c.lease_until, LEASE * 2)
    builds.write(reap)
    builds.session = builds.open_session().id
    ended = builds.run(job_id, tree(0, 2))
    assert (ended.status, ended.error_count) == (JobStatus.COMPLETED, 1)
    builds.store.write(publish_pipeline, pipeline())
    again = builds.retry(job_id, reason="the failed one").job_id
    (running,) = builds.claim(again)
    builds.cancel(again)
    builds.store.write(next_release.say_more)
    builds.end((running, Interrupted("STOPPED")))
    assert builds.job(again).status is JobStatus.CANCELLED


def test_a_reason_that_a_newer_release_has_added_is_no_reason_and_hides_nothing_else(builds: Builds) -> None:
    job_id = _half_done(builds)
    (before,) = builds.store.read(list_steps, job_id, statuses=[StepStatus.FAILED], limit=ALL)
    assert before.failure is FailureReason.HANDLER_ERROR
    builds.store.write(next_release.explain_anew)
    (after,) = builds.store.read(list_steps, job_id, statuses=[StepStatus.FAILED], limit=ALL)
    assert (after.failure, after.error, after.status) == (None, before.error, StepStatus.FAILED)

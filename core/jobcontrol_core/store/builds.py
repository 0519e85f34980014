"""StartBuild: a job, its stages, its first step and event 1, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.domain.errors import PathBuildActive
from jobcontrol_core.domain.events import StatusChange
from jobcontrol_core.domain.ids import new_id, short_id
from jobcontrol_core.domain.lifecycle import ACTIVE_JOB, JobStatus
from jobcontrol_core.domain.values import DocumentRef, PipelineSpec, StageSpec
from jobcontrol_core.store.births import bear_root
from jobcontrol_core.store.blobs import digest_of, put_blobs
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.ledger import Committed, Ledger
from jobcontrol_core.store.requests import RequestKey, answer_with_existing, claim_request
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.succession import make_way
from jobcontrol_core.store.tables import job_stages, jobs


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that a build brings."""

    content: bytes
    media_type: str
    name: str

    @property
    def ref(self) -> DocumentRef:
        return DocumentRef(digest_of(self.content), self.media_type, self.name, len(self.content))


@dataclass(frozen=True, slots=True)
class NewBuild:
    """What StartBuild asks for.

    Of an active job of the path: `use_existing` = it is as good as a new one; `replaces_existing` = cancel it
    and wait for its end.
    """

    tenant: str
    path_id: str
    pipeline: PipelineSpec
    key: RequestKey
    title: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    document: NewDocument | None = None
    triggered_by: str = ""
    use_existing: bool = False
    replaces_existing: bool = False
    timeout: timedelta | None = None
    #: Jobs of higher priority are served first.
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """The job that answers the request; `is_existing` if it was there before, and `committed` is empty then.

    `committed` also tells of the jobs that made way.
    """

    job_id: str
    is_existing: bool
    committed: tuple[Committed, ...] = ()


def start_build(tx: Connection, build: NewBuild) -> Started:
    """Create the job, or find the one that this request, or the path, already has.

    Raises PathBuildActive if the path has an active job and the build does not say what to do with it,
    RequestIdReused if the request id was another request's.
    """
    now = read_now(tx)
    job_id = new_id()
    if (first := claim_request(tx, now, build.key, job_id)) is not None:
        return Started(first.job_id, first.is_existing)
    row, told = _job_row(build, job_id, now), list[Committed]()
    while not insert_job(tx, row):
        # None = it ended between the two statements, and the path is free now.
        if (active := find_active_job(tx, build.tenant, build.path_id)) is None:
            row["waits_for"] = None
            continue
        if build.use_existing:
            answer_with_existing(tx, build.key, active["id"])
            return Started(active["id"], is_existing=True)
        if not build.replaces_existing:
            raise PathBuildActive(build.path_id, active["id"], active["percent"])
        way = make_way(tx, active["id"], actor=build.triggered_by)
        row["waits_for"] = way.waits_for
        told += way.committed
    if build.document is not None:
        put_blobs(tx, now, [(job_id, build.document.content)])
    insert_stages(tx, job_id, build.pipeline.stages)
    ledger = Ledger.open(tx, now, [job_id])
    entry = ledger.entries[job_id]
    entry.change = StatusChange(None, JobStatus.PENDING, build.triggered_by, "")
    bear_root(ledger, entry)
    return Started(job_id, is_existing=False, committed=(*told, *ledger.settle()))


def insert_job(tx: Connection, row: Mapping[str, Any]) -> bool:
    """Insert a job; False if its path has an active one. Another such insert is waited for, then seen."""
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    inserted = dialect.insert(jobs).values(**row).on_conflict_do_nothing().returning(jobs.c.id)
    return tx.execute(inserted).one_or_none() is not None


def insert_stages(tx: Connection, job_id: str, stages: tuple[StageSpec, ...]) -> None:
    """The job's own copy of its stages: a deploy does not change a running build."""
    rows = [
        {
            "job_id": job_id,
            "stage_no": stage.number,
            "name": stage.name,
            "queue": stage.queue,
            "version": stage.version,
            "weight": stage.weight,
            "retry": asdict(stage.retry),
            "tolerated_share": stage.tolerated_share,
        }
        for stage in stages
    ]
    tx.execute(insert(job_stages), rows)


def find_active_job(tx: Connection, tenant: str, path_id: str) -> Row | None:
    """The path's active job, if it has one: id and percent."""
    found = tx.execute(
        select(jobs.c.id, jobs.c.percent).where(
            jobs.c.tenant == tenant,
            jobs.c.path_id == path_id,
            jobs.c.status.in_(ACTIVE_JOB),
            jobs.c.waits_for.is_(None),
        )
    )
    return found.mappings().one_or_none()


def document_columns(document: DocumentRef | None) -> dict[str, Any]:
    """A job's document, as columns of `jobs`."""
    return {
        "document_sha256": document.sha256 if document else None,
        "document_media_type": document.media_type if document else None,
        "document_name": document.name if document else None,
        "document_size": document.size if document else None,
    }


def _job_row(build: NewBuild, job_id: str, now: datetime) -> dict[str, Any]:
    document = build.document.ref if build.document is not None else None
    return {
        "id": job_id,
        "short_id": short_id(job_id),
        "tenant": build.tenant,
        "path_id": build.path_id,
        "title": build.title,
        "pipeline": build.pipeline.name,
        "pipeline_version": build.pipeline.version,
        "status": JobStatus.PENDING,
        "waits_for": None,
        "parameters": dict(build.parameters),
        "labels": dict(build.labels),
        "priority": build.priority,
        **document_columns(document),
        "results": {},
        "triggered_by": build.triggered_by,
        "status_actor": build.triggered_by,
        "first_job_id": job_id,
        "last_sequence": 0,
        "created_at": now,
        "deadline_at": None if build.timeout is None else now + build.timeout,
        "updated_at": now,
    }

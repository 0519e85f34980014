"""Pipelines as their workers published them; servers read them here and never import user code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.stored import from_stored, member_or_none
from jobcontrol_core.domain.values import DocumentNeed, PipelineSpec, StageSpec
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.queues import declare_queues
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import pipelines


class PublishedDifferently(Exception):
    """The same pipeline version is published with other content; its `version` must be raised."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(f"pipeline {name} version {version} is published with other stages; raise its version")


def publish_pipeline(tx: Connection, spec: PipelineSpec) -> None:
    """Make a pipeline known. Publishing the same again binds new jobs to its current settings.

    Raises PublishedDifferently if this version is known with other content: stages, queues, versions,
    weights, tolerated failures, input schema or document need. Retry values, concurrency and limits are
    settings, not content.
    """
    row = {
        "name": spec.name,
        "version": spec.version,
        "fingerprint": fingerprint_of(spec),
        "spec": _to_json(spec),
        "sample": spec.sample,
        "published_at": read_now(tx),
    }
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    tx.execute(dialect.insert(pipelines).values(**row).on_conflict_do_nothing())
    same = tx.execute(
        update(pipelines)
        .where(
            pipelines.c.name == spec.name,
            pipelines.c.version == spec.version,
            pipelines.c.fingerprint == row["fingerprint"],
        )
        .values(spec=row["spec"], sample=row["sample"], published_at=row["published_at"])
    )
    if same.rowcount == 0:
        raise PublishedDifferently(spec.name, spec.version)
    declare_queues(tx, spec.stages)


def get_pipeline(tx: Connection, name: str) -> PipelineSpec | None:
    """The highest published version of a pipeline."""
    found = tx.execute(select(pipelines).where(pipelines.c.name == name).order_by(pipelines.c.version.desc()).limit(1))
    row = found.mappings().one_or_none()
    return None if row is None else _to_spec(row)


def list_pipelines(tx: Connection, *, after: str = "", limit: int = 100) -> list[PipelineSpec]:
    """Up to `limit` pipelines by name, after the name `after`, each in its highest version."""
    found = tx.execute(
        select(pipelines).where(pipelines.c.name > after).order_by(pipelines.c.name, pipelines.c.version.desc())
    )
    newest: dict[str, PipelineSpec] = {}
    for row in found.mappings():
        if row["name"] in newest:
            continue
        if len(newest) == limit:
            break
        newest[row["name"]] = _to_spec(row)
    return list(newest.values())


def fingerprint_of(spec: PipelineSpec) -> str:
    """The SHA-256 of what a version number stands for, the same in every release.

    Whatever a later release adds to it is left out while it has its default.
    """
    content = {
        "stages": [
            [stage.name, stage.queue, stage.version, stage.weight, stage.tolerated_share] for stage in spec.stages
        ],
        "input_schema": spec.input_schema,
        "document": spec.document,
        "media_types": spec.media_types,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _to_json(spec: PipelineSpec) -> dict[str, Any]:
    whole = asdict(spec)
    del whole["sample"]
    return whole


def _to_stage(stage: Mapping[str, Any]) -> StageSpec:
    retry, limits = stage.get("retry", {}), stage.get("limits", {})
    return from_stored(StageSpec, stage, retry=from_stored(RetryPolicy, retry), limits=from_stored(QueueLimits, limits))


def _to_spec(row: Row) -> PipelineSpec:
    stored = row["spec"]
    return from_stored(
        PipelineSpec,
        stored,
        stages=tuple(map(_to_stage, stored["stages"])),
        # A need that a later release has added is for its workers to judge.
        document=member_or_none(DocumentNeed, stored["document"]) or DocumentNeed.OPTIONAL,
        media_types=tuple(stored["media_types"]),
        sample=bytes(row["sample"]) if row["sample"] is not None else None,
    )

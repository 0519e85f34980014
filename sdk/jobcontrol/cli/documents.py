"""The SDK's values as JSON for programs: times in RFC 3339, durations in seconds, statuses as words."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jobcontrol._requests import invalid
from jobcontrol.events import Changes, Event, StepChange
from jobcontrol.values import StepStatus


def to_json(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":"))


def to_pretty_json(value: Any) -> str:
    """The same for a terminal."""
    return json.dumps(to_plain(value), ensure_ascii=False, indent=2)


def to_plain(value: Any) -> Any:
    """Dataclasses as objects, deeply; the short id beside each job's and step's id."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        short = getattr(value, "short_id", None)
        return plain if short is None else {**plain, "short_id": short}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): to_plain(member) for key, member in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [to_plain(member) for member in value]
    return value


def pick(plain: Any, fields: Sequence[str], *, is_mixed: bool = False) -> dict[str, Any]:
    """The members of an object that `fields` name; a dot looks within.

    What is not there is None where objects of several kinds are `mixed`, else it raises InvalidInput.
    """
    return {field: _member(plain, field, is_mixed) for field in fields}


def _member(plain: Any, field: str, is_mixed: bool) -> Any:
    found = plain
    for name in field.split("."):
        # An error or a document that is None here may be there in the next object.
        if found is None:
            return None
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif is_mixed:
            return None
        else:
            known = f"known are {', '.join(found)}" if isinstance(found, Mapping) and found else "it has no members"
            raise invalid("--fields", f"{field!r}: there is no {name!r}; {known}")
    return found


def listed(items: Iterable[Any], next_cursor: str = "") -> dict[str, Any]:
    """A list as one document; the cursor is null where nothing follows."""
    return {"items": list(items), "next_cursor": next_cursor or None}


def event_lines(event: Event) -> Iterator[dict[str, Any]]:
    """An event as one object per thing that it tells: all have its `sequence`, and an `index` within it."""
    head = {"sequence": event.sequence, "first_sequence": event.first_sequence}
    tail = {"job_id": event.job_id, "time": event.time}
    for index, (kind, facts) in enumerate(_told(event)):
        yield {**head, "index": index, "type": kind, **tail, **facts}


def _told(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    if event.changes is not None:
        yield from _changes(event.changes)
    if event.is_last and event.job is not None:
        yield f"job.{event.job.status}", {"job": event.job}
    elif event.job is not None:
        yield "job.snapshot", {"reason": event.snapshot_reason, "job": event.job}


def _changes(changes: Changes) -> Iterator[tuple[str, dict[str, Any]]]:
    if (move := changes.status) is not None and not move.status.has_ended:
        facts = {"previous": move.previous, "actor": move.actor, "reason": move.reason}
        yield f"job.{move.status}", facts
    for change in changes.steps:
        yield f"step.{_word_of(change)}", {"step": change.step}
    for bulk in changes.bulk:
        yield f"steps.{bulk.status}", {"stage": bulk.stage, "previous": bulk.previous, "count": bulk.count}
    yield "job.progress", {"percent": changes.percent, "error_count": changes.error_count, "stages": changes.stages}


def _word_of(change: StepChange) -> str:
    if change.will_retry:
        return "retrying"
    if change.step.status is StepStatus.PROCESSING and change.step.stop_receipt:
        return "stopping"
    if change.step.status is StepStatus.PROCESSING:
        return "progress" if change.step.has_told_progress else "started"
    return change.step.status

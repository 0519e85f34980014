"""Dead letters and groups of errors as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.domain.events import MAX_ERROR
from jobcontrol_core.domain.outcomes import storable_text
from jobcontrol_core.store.letters import DeadLetter, ErrorGroup
from jobcontrol_server.rpc.encoding.plain import to_timestamp
from jobcontrol_server.rpc.encoding.steps import to_step


def to_dead_letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        dead_letter_id=letter.id,
        job_id=letter.step.job_id,
        step=to_step(letter.step),
        queue=letter.queue,
        fingerprint=letter.fingerprint,
        created_at=to_timestamp(letter.created_at),
    )


def to_error_group(group: ErrorGroup) -> pb.ErrorGroup:
    return pb.ErrorGroup(
        fingerprint=group.fingerprint,
        type=group.type,
        message=storable_text(group.message, MAX_ERROR),
        step_count=group.steps,
        job_count=group.jobs,
        first_seen_at=to_timestamp(group.first_seen_at),
        last_seen_at=to_timestamp(group.last_seen_at),
    )

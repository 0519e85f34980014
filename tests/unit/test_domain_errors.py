"""What the engine refuses: a stable reason, facts for machines, a sentence for people."""

from collections.abc import Iterator

import pytest

from jobcontrol_core.domain import errors
from jobcontrol_core.domain.errors import (
    BackendUnavailable,
    DeadLetterNotFound,
    DeadLetterNotRequeueable,
    DomainError,
    EtagMismatch,
    FieldInvalid,
    FilterInvalid,
    JobIdAmbiguous,
    JobNotFound,
    JobNotPausable,
    JobNotRetryable,
    JobNotTerminal,
    JobTerminal,
    NotServedYet,
    PageTokenInvalid,
    PageTokenMismatch,
    PathBuildActive,
    PipelineNotFound,
    QueueNotFound,
    RequestIdReused,
    ResultNotReady,
    ServerDraining,
    StepNotFound,
    StorageFull,
    TokenInvalid,
    TokenMissing,
    TooManyWatchers,
    Unavailable,
    Violation,
    WorkerNotFound,
)

EVERY = [
    (FieldInvalid([Violation("path_id", "must be set")]), {}, "path_id: must be set"),
    (FilterInvalid("filter", "must compare"), {}, "filter: must compare"),
    (PageTokenInvalid(), {}, "not issued"),
    (PageTokenMismatch(), {}, "other arguments"),
    (RequestIdReused("r-1"), {"request_id": "r-1"}, "r-1"),
    (JobIdAmbiguous("1234", ["a1234", "b1234"]), {"candidates": "a1234, b1234"}, "a1234"),
    (JobNotFound("j-1"), {}, "there is no job j-1"),
    (StepNotFound("s-1"), {}, "there is no step s-1"),
    (QueueNotFound("q"), {}, "there is no queue q"),
    (WorkerNotFound("w"), {}, "there is no worker w"),
    (PipelineNotFound("p", "; try `jobctl pipelines`"), {}, "there is no pipeline p; try"),
    (DeadLetterNotFound("d-1"), {}, "there is no dead letter d-1"),
    (DeadLetterNotRequeueable("j-1", "FAILED"), {"job_id": "j-1", "status": "FAILED"}, "when it has ended"),
    (PathBuildActive("rust", "j-1", 40), {"path_id": "rust", "active_job_id": "j-1", "percent": "40"}, "(40%)"),
    (JobTerminal("j-1", "FAILED"), {"job_id": "j-1", "status": "FAILED"}, "already ended: FAILED"),
    (JobTerminal("j-1", "CANCELLING"), {"job_id": "j-1", "status": "CANCELLING"}, "is ending: CANCELLING"),
    (JobNotTerminal("j-1", "PAUSED"), {"job_id": "j-1", "status": "PAUSED"}, "cancel it"),
    (JobNotPausable("j-1", "FAILED"), {"job_id": "j-1", "status": "FAILED"}, "can be paused"),
    (
        EtagMismatch("j-1", "PAUSED", '"j-1.2"'),
        {"job_id": "j-1", "status": "PAUSED", "etag": '"j-1.2"'},
        "changed since and is PAUSED",
    ),
    (JobNotRetryable("j-1", "PENDING"), {"job_id": "j-1", "status": "PENDING"}, "has not ended"),
    (JobNotRetryable("j-1", "COMPLETED"), {"job_id": "j-1", "status": "COMPLETED"}, "without failed steps"),
    (ResultNotReady("j-1", "PENDING"), {"job_id": "j-1", "status": "PENDING"}, "only a COMPLETED job"),
    (NotServedYet("priority"), {"field": "priority"}, "priority is not served"),
    (NotServedYet("Pause", kind="method"), {"method": "Pause"}, "Pause is not served"),
    (BackendUnavailable(), {}, "try again"),
    (StorageFull(), {}, "no space"),
    (ServerDraining(), {}, "shutting down"),
    (TooManyWatchers(9), {}, "9 watchers"),
    (TokenMissing(), {}, "asks for a token"),
    (TokenInvalid(), {}, "not the token"),
]


@pytest.mark.parametrize(("error", "metadata", "words"), EVERY, ids=[type(error).__name__ for error, _, _ in EVERY])
def test_an_error_carries_its_facts_and_writes_its_own_sentence(
    error: DomainError, metadata: dict[str, str], words: str
) -> None:
    assert error.metadata == metadata
    assert words in str(error)


def test_every_error_that_can_be_raised_has_a_reason_of_its_own() -> None:
    concrete = [kind for kind in _below(DomainError) if kind.reason or not kind.__subclasses__()]
    reasons = [kind.reason for kind in concrete]
    assert all(reason == reason.upper() != "" for reason in reasons)
    assert len(set(reasons)) == len(reasons)
    assert {type(error) for error, _, _ in EVERY} == set(concrete)


def test_every_error_is_in_the_tree_that_the_module_draws() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in _below(DomainError) if kind.__name__ not in drawn] == []


def test_only_what_may_succeed_later_says_when() -> None:
    assert all(kind.retry_after > 0 for kind in Unavailable.__subclasses__())


def _below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _below(child)

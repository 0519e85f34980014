"""The client that blocks and the one that is awaited are one: the same names, arguments and words."""

import inspect
from typing import assert_type

import pytest

from jobcontrol import (
    AsyncBatch,
    AsyncClient,
    AsyncJob,
    AsyncListing,
    AsyncWatch,
    Batch,
    Client,
    Job,
    Listing,
    Step,
    Watch,
)

TWINS: list[tuple[type, type]] = [
    (Client, AsyncClient),
    (Job, AsyncJob),
    (Listing, AsyncListing),
    (Watch, AsyncWatch),
    (Batch, AsyncBatch),
]
#: What Python itself names otherwise where it is awaited.
OWN_WORDS = {
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
    "__next__": "__anext__",
}
#: Methods that ask nothing of a server, and so are not awaited.
NEVER_AWAITED = {
    "audit_events",
    "check",
    "jobs",
    "with_options",
    "dead_letters",
    "error_groups",
    "log",
    "steps",
    "watch",
}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def methods(kind: type) -> dict[str, inspect.Signature]:
    return {name: inspect.signature(getattr(kind, name)) for name in public(kind) if callable(getattr(kind, name))}


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_both_have_the_same_names(blocking: type, awaited: type) -> None:
    assert public(blocking) == public(awaited)


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_both_take_the_same_arguments(blocking: type, awaited: type) -> None:
    names = {name: list(signature.parameters.values()) for name, signature in methods(blocking).items()}
    assert names == {name: list(signature.parameters.values()) for name, signature in methods(awaited).items()}


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_both_say_the_same_of_themselves_and_leave_nothing_unsaid(blocking: type, awaited: type) -> None:
    said = {name: inspect.getdoc(getattr(blocking, name)) for name in methods(blocking)}
    assert said == {name: inspect.getdoc(getattr(awaited, name)) for name in methods(awaited)}
    assert [name for name, words in said.items() if not words] == []


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_what_asks_the_server_is_awaited_and_nothing_else_is(blocking: type, awaited: type) -> None:
    coroutines = {name for name in methods(awaited) if inspect.iscoroutinefunction(getattr(awaited, name))}
    assert set(methods(awaited)) - coroutines <= NEVER_AWAITED
    assert not any(inspect.iscoroutinefunction(getattr(blocking, name)) for name in methods(blocking))


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_both_can_be_entered_and_iterated_alike(blocking: type, awaited: type) -> None:
    for word, awaited_word in OWN_WORDS.items():
        assert hasattr(blocking, word) == hasattr(awaited, awaited_word)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (Client.start, "Job"),
        (AsyncClient.start, "AsyncJob"),
        (Client.jobs, "Listing[Job]"),
        (AsyncClient.jobs, "AsyncListing[AsyncJob]"),
        (AsyncClient.queues, "list[Queue]"),
        (Client.retry_many, "Batch"),
        (AsyncClient.retry_many, "AsyncBatch"),
        (Job.watch, "Watch"),
        (AsyncJob.watch, "AsyncWatch"),
    ],
)
def test_help_names_what_one_gets(method: object, told: str) -> None:
    assert inspect.signature(method).return_annotation == told  # type: ignore[arg-type]


def told_to_type_checkers(client: Client) -> None:
    """Never run: mypy holds what is promised against what it finds."""
    job = assert_type(client.start("p", "x", document="y"), Job)
    assert_type(job.wait(progress=True), Job)
    assert_type(job.failed_steps, list[Step])
    assert_type(client.jobs(status="failed"), Listing[Job])
    assert_type(client.jobs().first(5), list[Job])
    assert_type(client.retry_many(status="failed", dry_run=True).apply(), Batch)
    assert_type([event.sequence for event in job.watch(after=0)], list[int])


async def told_to_type_checkers_of_the_awaited_twin(client: AsyncClient) -> None:
    """Never run, as above."""
    job = assert_type(await client.start("p", "x", document="y"), AsyncJob)
    assert_type(await job.wait(progress=True), AsyncJob)
    assert_type(await job.failed_steps, list[Step])
    assert_type(client.jobs(status="failed"), AsyncListing[AsyncJob])
    assert_type(await client.jobs().first(5), list[AsyncJob])
    assert_type(await client.cancel_many(["abcd"]), AsyncBatch)
    assert_type([event.sequence async for event in job.watch(after=0)], list[int])

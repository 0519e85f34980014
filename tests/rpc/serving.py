"""A real server in this process, on a real socket and a real store, with the worker played by the test."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

from jobcontrol import v1 as pb
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.errors import DomainError
from jobcontrol_core.domain.values import PipelineSpec
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.pipelines import publish_pipeline
from jobcontrol_core.store.tables import metadata
from jobcontrol_server.app import running_server
from jobcontrol_server.watch.feed import Pace
from store.builds import Builds
from store.factories import pipeline

#: Nothing listens there.
NO_REDIS = "redis://127.0.0.1:1/0"
DOCUMENT = pb.Document(content=b"# Rust\n\nOwnership.\n")


class Worker(Builds):
    """Does what worker processes would, through the store, and rings for what it commits."""

    def __init__(self, store: Store, redis_url: str) -> None:
        self.postman = Postman(redis_url)
        super().__init__(store)

    def _audit(self, committed: Iterable[Committed]) -> None:
        told = list(committed)
        self.postman.ring(told)
        super()._audit(told)


@dataclass(frozen=True)
class Serving:
    """`stub` calls the server; `worker` plays the worker processes; `http` is empty where REST is off."""

    address: str
    http: str
    stub: Any
    store: Store
    worker: Worker

    async def start(self, path_id: str = "rust-101", **fields: Any) -> str:
        """The id of a new job."""
        response = await self.stub.StartBuild(pb.StartBuildRequest(path_id=path_id, **fields))
        return str(response.job_id)

    async def work(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something of the worker's without holding up the server, which shares this loop."""
        return await asyncio.to_thread(fn, *args, **kwargs)

    def publish(self, **overrides: Any) -> PipelineSpec:
        spec = pipeline(**overrides)
        self.store.write(publish_pipeline, spec)
        return spec


@asynccontextmanager
async def serving(
    database_url: str, *, redis_url: str = NO_REDIS, pace: Pace | None = None, **settings: Any
) -> AsyncIterator[Serving]:
    """A server on a free port, with the learning path published; without REST unless `http` says where."""
    store = await asyncio.to_thread(prepared_store, database_url)
    configured = Settings(
        **{"database_url": database_url, "redis_url": redis_url, "listen": "127.0.0.1:0", "http": "off", **settings}
    )
    worker = Worker(store, redis_url)
    try:
        async with (
            running_server(configured, pace=pace) as addresses,
            grpc.aio.insecure_channel(addresses.grpc) as channel,
        ):
            yield Serving(addresses.grpc, addresses.http or "", pb.JobControlStub(channel), store, worker)
    finally:
        await asyncio.to_thread(worker.postman.close)
        await asyncio.to_thread(store.close)


def prepared_store(database_url: str) -> Store:
    """A store with the tables, and with the learning path published."""
    store = Store(database_url)
    metadata.create_all(store.engine)
    store.write(publish_pipeline, pipeline(sample=b"# Sample\n"))
    return store


@dataclass(frozen=True)
class Refusal:
    """An error as a client sees it; `details` by their message's name."""

    code: grpc.StatusCode
    text: str
    details: dict[str, Any]

    @property
    def reason(self) -> str:
        return str(self.details["ErrorInfo"].reason)

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.details["ErrorInfo"].metadata)

    @property
    def fields(self) -> list[str]:
        return [violation.field for violation in self.details["BadRequest"].field_violations]


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """What an error's trailers say, which must agree with its code and text."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    details = {}
    for packed in status.details:
        name = packed.type_url.rpartition(".")[2]
        details[name] = getattr(error_details_pb2, name).FromString(packed.value)
    assert details["ErrorInfo"].domain == "jobcontrol.v1"
    return Refusal(error.code(), error.details() or "", details)


async def refused(call: Any) -> Refusal:
    """The refusal that a unary call, or a stream at its end, meets."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    raise AssertionError("the call was accepted")


def error_kinds(parent: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    """Every class of error that is raised, which are those that have a reason."""
    for kind in parent.__subclasses__():
        if kind.reason:
            yield kind
        yield from error_kinds(kind)

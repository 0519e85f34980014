"""The clients: one object per server, from which jobs are started, found and listed."""

from __future__ import annotations

from typing import Self

from jobcontrol._client_calls import ClientCalls
from jobcontrol._connection import AsyncConnection, Awaiting, Blocking, Connection
from jobcontrol._transport import AsyncTransport, Transport
from jobcontrol.batch import AsyncBatch, Batch
from jobcontrol.job import AsyncJob, Job


class Client(Blocking, ClientCalls[Transport]):
    """Talks to one server; connects with the first call. Threads may share it.

    So may processes that were forked while no call was under way; of others grpcio makes no promise.

    `server` is host:port of gRPC, by default JOBCONTROL_SERVER, or else what the `profile` says that is named here, in
    JOBCONTROL_PROFILE or as the default of the user's `profiles.toml`, or else localhost:50051; likewise `token`
    (JOBCONTROL_TOKEN) and `tls` (JOBCONTROL_TLS, JOBCONTROL_ROOT_CERTIFICATES and their like).

    One answer may take `timeout` seconds, all tries together; calls that may be sent twice are tried again up to
    `retries` times while the server is out of reach. A watch whose server has gone gives up after `patience`
    seconds. Every method raises ConnectionFailed, RequestTimeout or an ApiError of `jobcontrol.errors`, and nothing
    of gRPC.
    """

    _connection_kind = Connection
    _job_kind = Job
    _batch_kind = Batch

    def close(self) -> None:
        """Give the connection back. The client stays usable: its next call connects anew."""
        self._connection.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Awaiting, ClientCalls[AsyncTransport]):
    """`Client`, awaited: the same names and arguments. Event loops may share it, at once or one after the other."""

    _connection_kind = AsyncConnection
    _job_kind = AsyncJob
    _batch_kind = AsyncBatch

    async def close(self) -> None:
        """Give the connection back. The client stays usable: its next call connects anew."""
        await self._connection.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

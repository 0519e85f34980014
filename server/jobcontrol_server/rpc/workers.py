"""Worker processes asked to end: they serve all jobs of all tenants."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.domain.ids import short_id
from jobcontrol_core.store.audit import write_audit
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.roster import WorkerProcess, get_process
from jobcontrol_core.store.sessions import ask_to_drain
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of

log = structlog.get_logger(__name__)


class Workers:
    """When a call returns, the wish is on disk: the process hears of it with its next heartbeat."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def drain(self, request: pb.DrainWorkerRequest, caller: Caller) -> WorkerProcess:
        """The process, which is now draining. Raises WorkerNotFound."""
        process = self._store.write(_drain, request, caller)
        log.info("worker_asked_to_drain", session=short_id(process.session_id), host=process.host, pid=process.pid)
        return process


def _drain(tx: Connection, request: pb.DrainWorkerRequest, caller: Caller) -> WorkerProcess:
    session_id = ask_to_drain(tx, request.worker_id)
    write_audit(tx, read_now(tx), order_of(request, caller), "DrainWorker", [f"workers/{session_id}"])
    return get_process(tx, caller.tenant, session_id)

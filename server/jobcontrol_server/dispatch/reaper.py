"""Takes steps back from workers whose lease ran out."""

from __future__ import annotations

import structlog

from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.reaping import BATCH, reap
from jobcontrol_server.dispatch.vigil import Vigil

log = structlog.get_logger(__name__)


class Reaper:
    """One turn marks the vigil; only a reaper that has kept watch for a full lease takes anything back."""

    def __init__(self, store: Store, postman: Postman, vigil: Vigil) -> None:
        self._store = store
        self._postman = postman
        self._vigil = vigil

    def keep_watch(self, *, is_leader: bool) -> None:
        """Reach the database; reap if this process leads and has been awake and connected for long enough."""
        try:
            # Whoever does not lead keeps watch, too: a leader that an outage made must not judge by that outage.
            self._store.read(read_now)
            self._vigil.mark()
            if is_leader and self._vigil.is_long_enough:
                while self._reap_batch() == BATCH:
                    pass
        except Unavailable:
            self._vigil.restart()
            raise

    def _reap_batch(self) -> int:
        reaped = self._store.write(reap)
        if reaped.accepted:
            log.info("steps_taken_back", count=len(reaped.accepted), because="lease ran out")
        self._postman.ring(reaped.committed)
        self._postman.ring_stop(*reaped.stopping)
        self._postman.push(reaped.waiting)
        return len(reaped.accepted)

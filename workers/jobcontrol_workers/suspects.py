"""What a lone process does in place of taking tickets: it looks for suspects, and claims one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.outcomes import StepOutcome
from jobcontrol_core.domain.values import Build
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.exchange import Exchanged, Waiting
from jobcontrol_workers.appetite import Errand, Place
from jobcontrol_workers.journal import Journal
from jobcontrol_workers.room import Room

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
#: Without any suspect for so long, a lone process ends.
IDLE_SECONDS = 2.0


class SuspectAppetite:
    """Wants one suspect of the place that it is told, and leaves everything else to others."""

    is_hungry = False

    def __init__(self, room: Room, read_build: Callable[[str], Build | None]) -> None:
        self._room = room
        self._read_build = read_build
        #: Whether the last wish was fulfilled.
        self.has_claimed = False

    def seconds_to_hunger(self) -> None:
        """Never: it is told by its taker."""

    def choose(self, places: Sequence[Place], _outcomes: Sequence[StepOutcome]) -> Errand:
        """A wish for one suspect of the first place, if there is room."""
        if not places or self._room.free <= 0:
            return Errand()
        job_id, stage_no = places[0]
        build = self._read_build(job_id)
        if build is None:
            return Errand()
        return Errand((ClaimWish(job_id, {stage_no: 1}, is_for_suspects=True),), {job_id: build})

    def digest(self, _errand: Errand, exchanged: Exchanged) -> tuple[Waiting, ...]:
        """The stages that need a ticket: all that wait."""
        self.has_claimed = bool(exchanged.claimed)
        for closed in exchanged.closed:
            self._room.close(closed.queue, closed.seconds, is_full=closed.is_full)
        return exchanged.waiting


class SuspectTaker:
    """A thread that looks into the database for the next suspect whenever nothing runs; `on_idle` when none came."""

    def __init__(
        self,
        find: Callable[[], Place | None],
        room: Room,
        journal: Journal,
        appetite: SuspectAppetite,
        on_idle: Callable[[], None],
    ) -> None:
        self._find = find
        self._room = room
        self._journal = journal
        self._appetite = appetite
        self._on_idle = on_idle
        self._busy_at = time.monotonic()
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no further suspect."""
        self._is_stopped.set()

    def join(self, timeout: float) -> None:
        """Wait for the turn that is under way, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            try:
                self._take_turn()
            except Unavailable as error:
                log.warning("database_away", error=str(error))
                self._is_stopped.wait(LOOK_SECONDS)
            except Exception:
                # One turn; a lone process that looks no more would keep its supervisor from starting another.
                log.exception("suspect_not_taken")
                self._is_stopped.wait(IDLE_SECONDS)

    def _take_turn(self) -> None:
        if not self._room.wait_for_queues(LOOK_SECONDS):
            self._busy_at = time.monotonic()
            return
        if self._claim():
            self._busy_at = time.monotonic()
        elif self._room.seconds_to_opening() is not None:
            # A suspect may wait for its queue to open.
            self._busy_at = time.monotonic()
            self._is_stopped.wait(LOOK_SECONDS)
        elif time.monotonic() - self._busy_at < IDLE_SECONDS:
            self._is_stopped.wait(LOOK_SECONDS)
        else:
            self._is_stopped.set()
            self._on_idle()

    def _claim(self) -> bool:
        """Claim the next suspect; False if there is none, or if somebody else has it by now."""
        place = self._find() if self._journal.is_claiming else None
        if place is None:
            return False
        self._appetite.has_claimed = False
        self._journal.order(*place).result()
        return self._appetite.has_claimed

"""The journal: the one thread of a process that writes, outcomes and claims together, in exchanges."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.exc import StatementError

from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.crash_points import CrashPoint, crash_at
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.outcomes import Interrupted, StepOutcome, bad_result, storable_text
from jobcontrol_core.domain.reports import StepReport
from jobcontrol_core.domain.values import Build, ClaimedStep
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Exchanged, Waiting, exchange
from jobcontrol_core.store.sessions import running_steps_of
from jobcontrol_workers.appetite import Errand, Place
from jobcontrol_workers.reports import Reports

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
#: Outcomes that share one transaction at most.
MAX_GROUP = 64

EXIT_JOURNAL = 70

#: Receives what was claimed, its build, and the session it was claimed under.
Deliver = Callable[[Sequence[ClaimedStep], Build, str], None]
NOTHING = Exchanged(frozenset(), (), (), ())


@dataclass(frozen=True, slots=True)
class Order:
    """A ticket that was taken: claim for it. `done` is resolved when that has happened, whatever came of it."""

    job_id: str
    stage_no: int
    done: Future[None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What attempts told, of their ends and before, that is written in one exchange."""

    outcomes: list[StepOutcome]
    reports: list[StepReport]


class Hunger(Protocol):
    """What a process wants to claim; asked on the journal's thread."""

    @property
    def is_hungry(self) -> bool:
        """True if there is something to claim without being told. Asks no database."""
        ...

    def seconds_to_hunger(self) -> float | None:
        """How long it is not hungry, whatever happens; None = for ever."""
        ...

    def choose(self, places: Sequence[Place], outcomes: Sequence[StepOutcome], /) -> Errand:
        """Wishes for an exchange, given the stages of jobs that were ordered and what it records."""
        ...

    def digest(self, errand: Errand, exchanged: Exchanged, /) -> tuple[Waiting, ...]:
        """Learn from the exchange; returns the stages that need a ticket."""
        ...


class Journal:
    """Outcomes handed in while a transaction is under way share the next one; a slow step's goes alone and at once.

    While the database is away, outcomes wait here; the fence decides later whether they still count.
    """

    def __init__(self, store: Store, postman: Postman, appetite: Hunger, session_id: str, deliver: Deliver) -> None:
        self._store = store
        self._postman = postman
        self._appetite = appetite
        self._deliver = deliver
        self._session_id = session_id
        self._outcomes: list[StepOutcome] = []
        self._reports = Reports()
        self._orders: list[Order] = []
        self._running: set[tuple[str, int]] = set()
        self._is_doubtful = False
        self._is_claiming = True
        self._is_closing = False
        self._is_exchanging = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def record(self, outcome: StepOutcome) -> None:
        """Have an outcome committed. Returns at once; the outcome is not lost while the process lives."""
        crash_at(CrashPoint.AFTER_HANDLER)
        with self._news:
            self._outcomes.append(outcome)
            self._news.notify_all()

    def report(self, report: StepReport) -> None:
        """Have a running attempt's report written, before its outcome or together with it. Returns at once."""
        self._reports.add(report)
        with self._news:
            self._news.notify_all()

    def order(self, job_id: str, stage_no: int) -> Future[None]:
        """Claim by a ticket. The future is resolved once the ticket has been used."""
        order = Order(job_id, stage_no, Future())
        with self._news:
            if self._is_closing:
                order.done.set_result(None)
            else:
                self._orders.append(order)
                self._news.notify_all()
        return order.done

    @property
    def is_claiming(self) -> bool:
        """False while no step may be claimed."""
        return self._is_claiming

    def set_claiming(self, is_claiming: bool, /) -> None:
        """Whether steps are claimed; outcomes are written in any case."""
        with self._news:
            self._is_claiming = is_claiming and not self._is_closing
            self._news.notify_all()

    def stop_claiming(self, timeout: float) -> None:
        """Claim nothing more, and wait for the exchange under way: what it claims has then been delivered."""
        with self._news:
            self._is_claiming = False
            self._news.wait_for(lambda: not self._is_exchanging, timeout)

    def change_session(self, session_id: str) -> None:
        """Claim under a new session; what still runs under the old one is refused by the fence."""
        with self._news:
            self._session_id = session_id

    def close(self, timeout: float) -> bool:
        """Write what waits, then stop; False if that took longer than `timeout` seconds."""
        with self._news:
            self._is_claiming = False
            self._is_closing = True
            self._news.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._take_turn():
                pass
        except Exception:
            # A process that cannot tell what its steps did is of no use: its end is seen, and its steps run again.
            log.exception("journal_failed")
            os._exit(EXIT_JOURNAL)

    def _take_turn(self) -> bool:
        """One exchange, once there is something to exchange; False when closed and done."""
        with self._news:
            while not self._has_work() and not self._is_closing:
                self._news.wait(self._seconds_to_work())
            if not self._has_work():
                return False
            outcomes, self._outcomes = self._outcomes[:MAX_GROUP], self._outcomes[MAX_GROUP:]
            orders, self._orders = self._orders, []
            session_id, is_claiming = self._session_id, self._is_claiming
            self._is_exchanging = True
        reports = self._reports.take({(outcome.step_id, outcome.attempt) for outcome in outcomes})
        self._exchange(session_id, Batch(_newest(outcomes), reports), orders, is_claiming=is_claiming)
        with self._news:
            self._is_exchanging = False
            self._news.notify_all()
        return True

    def _seconds_to_work(self) -> float | None:
        """How long there is nothing to do unless news comes; None = for ever."""
        waits = (self._reports.seconds_to_due(), self._appetite.seconds_to_hunger())
        return min((wait for wait in waits if wait is not None), default=None)

    def _has_work(self) -> bool:
        is_asked = bool(self._outcomes or self._orders or self._is_doubtful)
        return is_asked or self._reports.seconds_to_due() == 0.0 or (self._is_claiming and self._appetite.is_hungry)

    def _exchange(self, session_id: str, batch: Batch, orders: list[Order], *, is_claiming: bool) -> None:
        try:
            errand = self._errand(batch, orders) if is_claiming else Errand()
            has_anything = batch.outcomes or batch.reports or errand.wishes
            exchanged = self._commit(session_id, batch, errand.wishes) if has_anything else NOTHING
            self._follow_up(session_id, batch.outcomes, errand, exchanged)
        except Unavailable as error:
            log.warning("database_away", error=str(error), outcomes_waiting=len(batch.outcomes))
            # Whether the commit went through is not known; the next good exchange finds out.
            self._is_doubtful = True
            with self._news:
                self._outcomes = batch.outcomes + self._outcomes
            self._reports.put_back(batch.reports)
            time.sleep(RETRY_SECONDS)
        finally:
            for order in orders:
                order.done.set_result(None)

    def _errand(self, batch: Batch, orders: Sequence[Order]) -> Errand:
        return self._appetite.choose([(order.job_id, order.stage_no) for order in orders], batch.outcomes)

    def _commit(self, session_id: str, batch: Batch, wishes: Sequence[ClaimWish]) -> Exchanged:
        """One exchange. What the database refuses is reports, which are let go, or an outcome.

        A group of outcomes is halved until the culprit is alone.
        """
        outcomes = batch.outcomes
        try:
            return self._store.write(exchange, session_id, outcomes, wishes, batch.reports)
        except Unavailable:
            raise
        except Exception as error:
            # Refused by the database, or by the driver before it: either way one of these values is the culprit.
            if batch.reports:
                log.warning("reports_refused", reports=len(batch.reports), error=_reason_of(error))
                return self._commit(session_id, Batch(outcomes, []), wishes)
            if not outcomes:
                raise
            log.warning("outcome_refused", outcomes=len(outcomes), error=_reason_of(error))
            if len(outcomes) == 1:
                return self._store.write(exchange, session_id, [_refused(outcomes[0], error)], wishes)
        middle = len(outcomes) // 2
        first = self._commit(session_id, Batch(outcomes[:middle], []), [])
        second = self._commit(session_id, Batch(outcomes[middle:], []), wishes)
        return Exchanged(
            first.accepted | second.accepted,
            second.claimed,
            first.committed + second.committed,
            first.waiting + second.waiting,
            first.stopping + second.stopping,
            second.closed,
        )

    def _follow_up(
        self, session_id: str, outcomes: Sequence[StepOutcome], errand: Errand, exchanged: Exchanged
    ) -> None:
        self._postman.ring(exchanged.committed)
        self._postman.ring_stop(*exchanged.stopping)
        self._running.difference_update((outcome.step_id, outcome.attempt) for outcome in outcomes)
        self._running.update((claimed.step.id, claimed.step.attempt) for claimed in exchanged.claimed)
        for outcome in outcomes:
            if outcome.step_id not in exchanged.accepted:
                log.info("outcome_stale", step_id=outcome.step_id, attempt=outcome.attempt)
        if exchanged.claimed:
            crash_at(CrashPoint.AFTER_CLAIM)
        for job_id, build in errand.builds.items():
            mine = [claimed for claimed in exchanged.claimed if claimed.step.job_id == job_id]
            if mine:
                self._deliver(mine, build, session_id)
        self._postman.push(self._appetite.digest(errand, exchanged))
        if self._is_doubtful:
            self._give_back(session_id)

    def _give_back(self, session_id: str) -> None:
        """Claims whose answer was lost: this session owns them in SQL, but nobody runs them."""
        owned = self._store.read(running_steps_of, session_id)
        with self._news:
            ending = {(outcome.step_id, outcome.attempt) for outcome in self._outcomes}
            for step_id, (job_id, attempt) in owned.items():
                if (step_id, attempt) not in self._running | ending:
                    self._outcomes.append(StepOutcome(job_id, step_id, attempt, Interrupted("LOST")))
        self._is_doubtful = False


def _newest(outcomes: Sequence[StepOutcome]) -> list[StepOutcome]:
    """Without attempts that a later one of the same step has overtaken: they are stale, and must not stand for it."""
    by_step = {outcome.step_id: outcome for outcome in sorted(outcomes, key=lambda one: one.attempt)}
    return list(by_step.values())


def _refused(outcome: StepOutcome, error: Exception) -> StepOutcome:
    failed = bad_result(storable_text(f"the database refused the step's outcome: {_reason_of(error)}"))
    return StepOutcome(outcome.job_id, outcome.step_id, outcome.attempt, failed)


def _reason_of(error: Exception) -> str:
    # Without the statement and its values.
    return str(error.orig if isinstance(error, StatementError) else error)

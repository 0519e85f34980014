"""Builds as server and workers drive them through the store, each audited after every write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Connection, literal_column, select, update

from jobcontrol_core.domain.events import JobEvent
from jobcontrol_core.domain.moments import MICROSECOND
from jobcontrol_core.domain.outcomes import Crashed, Outcome, StepOutcome
from jobcontrol_core.domain.values import Build, ClaimedStep, Job, Step
from jobcontrol_core.store.builds import Started, start_build
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.eventlog import read_events
from jobcontrol_core.store.exchange import Exchanged, exchange
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.lookup import get_job, list_steps, read_build
from jobcontrol_core.store.pausing import Resumed, pause_job, resume_job
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.retries import NewRetry, retry_job
from jobcontrol_core.store.sessions import Session, open_session
from jobcontrol_core.store.stopping import cancel_job, sweep_job
from store.audit import ALL, audit_job
from store.factories import CONCEPTS, FINALIZE_NO, LEASE, TENANT, children, new_build, request_key, session, succeeded
from store.replay import Replay

Handler = Callable[[ClaimedStep], Outcome]
EVERY_STAGE: Mapping[int, int] = dict.fromkeys(range(FINALIZE_NO + 1), 100)


class Builds:
    """`is_audited` may be switched off where a test looks at the end alone."""

    def __init__(self, store: Store, *, is_audited: bool = True) -> None:
        self.store = store
        self.is_audited = is_audited
        self.session = self.open_session().id

    def open_session(self, lease: timedelta = LEASE, **overrides: Any) -> Session:
        opened = session(**overrides)
        self.store.write(open_session, opened, lease)
        return opened

    def start(self, **overrides: Any) -> str:
        return self.ask(**overrides).job_id

    def ask(self, **overrides: Any) -> Started:
        started = self.store.write(start_build, new_build(**overrides))
        self._audit(started.committed)
        return started

    def retry(self, job_id: str, **overrides: Any) -> Started:
        values: dict[str, Any] = {"tenant": TENANT, "job_id": job_id, "key": request_key(), "actor": "ada"}
        started = self.store.write(retry_job, NewRetry(**{**values, **overrides}))
        self._audit(started.committed)
        return started

    def exchange(
        self, outcomes: Sequence[StepOutcome] = (), *wishes: ClaimWish, session_id: str | None = None
    ) -> Exchanged:
        done = self.store.write(exchange, session_id or self.session, outcomes, wishes)
        self._audit(done.committed)
        return done

    def claim(
        self, job_id: str, stage_no: int | None = None, room: int = 100, *, session_id: str | None = None
    ) -> tuple[ClaimedStep, ...]:
        """Up to `room` steps of one stage, or all that is claimable."""
        wanted = EVERY_STAGE if stage_no is None else {stage_no: room}
        return self.exchange((), ClaimWish(job_id, wanted), session_id=session_id).claimed

    def claim_suspects(
        self, job_id: str, stage_no: int | None = None, room: int = 100, *, session_id: str | None = None
    ) -> tuple[ClaimedStep, ...]:
        """Up to `room` suspects of one stage, or all that are claimable."""
        wanted = EVERY_STAGE if stage_no is None else {stage_no: room}
        wish = ClaimWish(job_id, wanted, is_for_suspects=True)
        return self.exchange((), wish, session_id=session_id).claimed

    def crash(self, session_id: str, crash: Crashed) -> Exchanged:
        """The process of this session has ended, as its supervisor sees."""
        return self.write(release_session, session_id, crash.how, crash)

    def claim_one(self, job_id: str, stage_no: int | None = None) -> ClaimedStep:
        (claimed,) = self.claim(job_id, stage_no, 1)
        return claimed

    def end(self, *ends: tuple[ClaimedStep, Outcome], session_id: str | None = None) -> Exchanged:
        return self.exchange([outcome_of(claimed, outcome) for claimed, outcome in ends], session_id=session_id)

    def exchange_and_claim(self, job_id: str, *ends: tuple[ClaimedStep, Outcome]) -> Exchanged:
        """End these, and ask in the same exchange for all that the job has."""
        outcomes = [outcome_of(claimed, outcome) for claimed, outcome in ends]
        return self.exchange(outcomes, ClaimWish(job_id, EVERY_STAGE))

    def fan_out(self, job_id: str, count: int, **overrides: Any) -> Exchanged:
        """Claim the root and complete it with `count` children in the next stage."""
        root = self.claim_one(job_id, CONCEPTS)
        return self.end((root, succeeded(born=children(CONCEPTS + 1, count, **overrides))))

    def run(self, job_id: str, handler: Handler) -> Job:
        """Claim and end everything, until nothing is claimable."""
        while claimed := self.claim(job_id):
            self.end(*((one, handler(one)) for one in claimed))
        return self.job(job_id)

    def cancel(self, job_id: str, reason: str = "enough") -> tuple[Committed, ...]:
        committed = self.store.write(cancel_job, job_id, actor="bob", reason=reason)
        self._audit(committed)
        return committed

    def pause(self, job_id: str, reason: str = "too hot", **fields: Any) -> tuple[Committed, ...]:
        committed = self.store.write(pause_job, job_id, actor="bob", reason=reason, **fields)
        self._audit(committed)
        return committed

    def resume(self, job_id: str, reason: str = "cooled", **fields: Any) -> Resumed:
        resumed = self.store.write(resume_job, job_id, actor="bob", reason=reason, **fields)
        self._audit(resumed.committed)
        return resumed

    def sweep(self, job_id: str) -> tuple[Committed, ...]:
        committed = self.store.write(sweep_job, job_id)
        self._audit(committed)
        return committed

    def write(self, fn: Callable[..., Exchanged], *args: Any) -> Exchanged:
        """One of the store's functions that take steps away."""
        done = self.store.write(fn, *args)
        self._audit(done.committed)
        return done

    def job(self, job_id: str) -> Job:
        return self.store.read(get_job, job_id)

    def build(self, job_id: str) -> Build:
        build = self.store.read(read_build, job_id)
        assert build is not None
        return build

    def steps(self, job_id: str, stage: str = "") -> list[Step]:
        return self.store.read(list_steps, job_id, stage=stage, limit=ALL)

    def step(self, claimed: ClaimedStep) -> Step:
        return next(step for step in self.steps(claimed.step.job_id) if step.id == claimed.step.id)

    def events(self, job_id: str) -> list[JobEvent]:
        return self.store.read(read_events, job_id, after=0, limit=ALL)

    def audit(self, job_id: str) -> Replay:
        return self.store.read(audit_job, job_id)

    def rewind(self, column: Column[Any], by: timedelta) -> None:
        """Let a moment lie further back in every row of its table that nobody has locked: time passes, no one waits."""
        self.store.write(_rewind, column, by // MICROSECOND)

    def _audit(self, committed: Iterable[Committed]) -> None:
        if self.is_audited:
            for one in committed:
                self.audit(one.job_id)


def outcome_of(claimed: ClaimedStep, outcome: Outcome) -> StepOutcome:
    """The end of a claimed attempt."""
    return StepOutcome(claimed.step.job_id, claimed.step.id, claimed.step.attempt, outcome)


def tree(*widths: int) -> Handler:
    """A handler that gives every step of stage n `widths[n]` children in the stage after it."""

    def handle(claimed: ClaimedStep) -> Outcome:
        stage_no = claimed.step.stage_no
        width = widths[stage_no] if stage_no < len(widths) else 0
        return succeeded(born=children(stage_no + 1, width), output=f'"{claimed.step.key}"')

    return handle


def _rewind(tx: Connection, column: Column[Any], micros: int) -> None:
    key = next(iter(column.table.primary_key))
    found = tx.execute(select(key).where(column.is_not(None)).with_for_update(skip_locked=True)).scalars().all()
    back: dict[str, Any] = {column.name: literal_column(f"{column.name} - {micros}")}
    tx.execute(update(column.table).where(key.in_(found)).values(**back))

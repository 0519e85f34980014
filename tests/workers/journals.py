"""A journal alone, and a build whose steps have been claimed for it."""

from collections.abc import Callable

from jobcontrol_core.domain.outcomes import NewChild, StepOutcome, Succeeded
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.exchange import exchange
from jobcontrol_core.store.lookup import read_build
from jobcontrol_workers.appetite import Appetite
from jobcontrol_workers.journal import Journal
from jobcontrol_workers.registry import Registry
from jobcontrol_workers.room import Room
from jobcontrol_workers.turns import Turns
from workers.floor import Floor
from workers.letters import letters

SESSION = "0198f000-0000-7000-8000-00000000aaaa"


def journal_of(floor: Floor, deliver: Callable[..., None] = lambda *_: None) -> Journal:
    """A journal alone, not started: a test hands it the outcomes."""
    serving = Registry([letters()], Settings.load())
    appetite = Appetite(
        serving, Room(serving, 50), lambda job_id: floor.store.read(read_build, job_id), Turns(lambda: True)
    )
    return Journal(floor.store, floor.postman, appetite, SESSION, deliver)


def claimed_letters(floor: Floor) -> tuple[str, list[ClaimedStep]]:
    """A build whose letters have all been claimed by nobody that runs."""
    job_id = floor.start(letters())
    (root,) = floor.store.write(exchange, SESSION, [], [ClaimWish(job_id, {0: 1})]).claimed
    split = Succeeded("null", children=tuple(NewChild(1, key, key, "null") for key in "abcdefgh"))
    done = StepOutcome(job_id, root.step.id, root.step.attempt, split)
    floor.store.write(exchange, SESSION, [done], [])
    return job_id, list(floor.store.write(exchange, SESSION, [], [ClaimWish(job_id, {1: 8})]).claimed)


def said(step: ClaimedStep, output: str = '"said"') -> StepOutcome:
    return StepOutcome(step.step.job_id, step.step.id, step.step.attempt, Succeeded(output))

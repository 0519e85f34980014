"""The diary of the handlers: what really ran, when and in which process, whatever the engine believes of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobcontrol.pipeline import Context
from jobcontrol_core.settings import environment_with

VARIABLE = "CHAOS_DIARY"
BEGAN, ENDED, BROKEN = "began", "ended", "broken"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one attempt, in seconds of the system's clock; `ended_at` is None if it was cut off."""

    step_id: str
    attempt: int
    began_at: float
    ended_at: float | None


@contextmanager
def written_down(ctx: Context) -> Iterator[None]:
    """Write down that this attempt begins, and that it ends, however it does."""
    _write(BEGAN, ctx)
    try:
        yield
    finally:
        _write(ENDED, ctx)


def complain(ctx: Context, sentence: str) -> None:
    """Write down a promise to handlers that was broken."""
    _write(BROKEN, ctx, sentence)


def read_runs(directory: Path) -> tuple[list[Run], list[str]]:
    """Every run that was written down, and every complaint."""
    began: list[tuple[str, int, float]] = []
    ended: dict[tuple[str, int], float] = {}
    complaints = []
    for file in sorted(directory.iterdir()):
        for line in file.read_text().splitlines():
            kind, at, step_id, attempt, sentence = line.split(" ", 4)
            if kind == BEGAN:
                began.append((step_id, int(attempt), float(at)))
            elif kind == ENDED:
                ended[step_id, int(attempt)] = float(at)
            else:
                complaints.append(f"step {step_id}, attempt {attempt}: {sentence}")
    return [Run(step, number, at, ended.get((step, number))) for step, number, at in began], complaints


def _write(kind: str, ctx: Context, sentence: str = "") -> None:
    # A file for each process, appended to in one write: whoever is killed leaves whole lines behind.
    file = Path(environment_with()[VARIABLE]) / str(os.getpid())
    line = f"{kind} {time.time():.6f} {ctx.step_id} {ctx.attempt} {sentence}\n"
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)

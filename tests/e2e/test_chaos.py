"""Chaos as it is in small: seeds that once found something find nothing, and its judge sees what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from chaos.streams import differences
from e2e.builds_under_fire import start_watched_build
from jobcontrol import v1 as pb
from jobcontrol_core.store.engine import Store
from services.stack import Stack

TESTS = Path(__file__).parents[1]
#: Lines of "database seconds seed".
KEPT = [line.split("#")[0].split() for line in (TESTS / "chaos" / "kept_seeds").read_text().splitlines()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("database", "seconds", "seed"), [line for line in KEPT if line])
def test_a_seed_that_was_kept_breaks_no_promise(database: str, seconds: str, seed: str) -> None:
    command = [sys.executable, "-m", "chaos", "--database", database, "--seconds", seconds, "--seed", seed]
    run = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_whatever_a_stream_tells_otherwise_than_the_log_is_seen(stack: Stack) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address, pace=0.0)
    build.wait_for_end()
    store = Store(stack.database_url)
    told = [message for message in build.recorder.messages if message.HasField("changed") and message.changed.steps]
    assert not store.read(_differences, build.job_id, *build.recorder.messages)
    for wrong in _falsified(told[-1]):
        assert store.read(_differences, build.job_id, wrong), wrong
    store.close()


def _differences(tx: Connection, job_id: str, *messages: pb.WatchProgressResponse) -> list[str]:
    return list(differences(tx, job_id, messages))


def _falsified(message: pb.WatchProgressResponse) -> list[pb.WatchProgressResponse]:
    """The message with one field of it changed, in many ways."""
    copies = []
    for number in range(6):
        copies.append(copy := pb.WatchProgressResponse())
        copy.CopyFrom(message)
        match number:
            case 0:
                copy.changed.progress.percent += 1
            case 1:
                copy.changed.progress.stages[0].pending += 1
            case 2:
                copy.changed.steps[0].step.attempt += 1
            case 3:
                copy.changed.steps[0].step.created_at.nanos += 1_000
            case 4:
                del copy.changed.steps[0]
            case 5:
                copy.event_time.seconds += 1
    return copies

"""The live view at a real terminal: drawn in place, at any size, and the cursor comes back whatever happens."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jobcontrol import v1 as pb
from rpc.serving import Serving, serving
from services.terminal import CONTROL, CTRL_C, Terminal, at_terminal
from store.factories import CONCEPTS, succeeded

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as running:
        monkeypatch.setenv("JOBCONTROL_SERVER", running.address)
        yield running


@asynccontextmanager
async def watching(job_id: str, *words: str, **how: str) -> AsyncIterator[Terminal]:
    terminal = await at_terminal("watch", job_id, *words, **how)
    try:
        yield terminal
    finally:
        terminal.close()


async def build(server: Serving, job_id: str) -> None:
    """Three steps below the first one, and all completed."""
    await server.work(server.worker.fan_out, job_id, 3)
    await server.work(server.worker.run, job_id, lambda _: succeeded())


def last_frame(terminal: Terminal) -> list[str]:
    """The lines that were drawn last, and what came after them."""
    return CONTROL.sub("", terminal.text.rpartition("\x1b[K\n".replace("\n", "\r\n"))[0]).splitlines()[-4:]


async def test_it_waits_for_a_job_that_waits_and_its_last_frame_stays(server: Serving) -> None:
    job_id = await server.start()
    async with watching(job_id, width="100") as terminal:
        await terminal.shows("Waiting rust-101   0%")
        await build(server, job_id)
        assert await terminal.end() == 0
        assert terminal.text.startswith(HIDE_CURSOR)
        assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)
        headline, *stages = last_frame(terminal)
        assert headline.startswith("Built rust-101   100%")
        assert all("████████████████████" in stage for stage in stages)
        assert terminal.plain.splitlines()[-1].startswith("Completed in ")
        # One frame is drawn over the other: the headline was written often, and stands there once.
        assert terminal.plain.count("rust-101") > terminal.plain.count("Completed")


async def test_why_it_waits_is_told(server: Serving) -> None:
    job_id = await server.start()
    await server.stub.Pause(pb.PauseRequest(job_id=job_id))
    async with watching(job_id) as terminal:
        await terminal.shows("waiting: ")
        await terminal.shows("Paused rust-101")


async def test_ctrl_c_detaches_and_a_second_one_cancels(server: Serving) -> None:
    job_id = await server.start()
    async with watching(job_id) as terminal:
        await terminal.shows("Waiting rust-101")
        terminal.press(CTRL_C)
        await terminal.shows("Detached; the job goes on.")
        assert SHOW_CURSOR in terminal.text
        terminal.press(CTRL_C)
        assert await terminal.end() == 130
        assert f"Cancelled {job_id[-8:]}." in terminal.plain
    job = await server.work(server.worker.job, job_id)
    assert (job.status, job.status_reason) == ("CANCELLED", "interrupted at the command line")


async def test_one_ctrl_c_leaves_the_job_alone(server: Serving) -> None:
    job_id = await server.start()
    async with watching(job_id) as terminal:
        await terminal.shows("Waiting rust-101")
        terminal.press(CTRL_C)
        assert await terminal.end() == 130
        assert f"jobctl watch {job_id[-8:]}" in terminal.plain
    assert (await server.work(server.worker.job, job_id)).status == "PENDING"


async def test_ctrl_c_cancels_at_once_if_that_was_asked_for(server: Serving) -> None:
    job_id = await server.start()
    async with watching(job_id, "--cancel-on-interrupt") as terminal:
        await terminal.shows("Waiting rust-101")
        terminal.press(CTRL_C)
        assert await terminal.end() == 4
        assert "Cancelled by anonymous" in terminal.plain


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_gives_the_cursor_back(server: Serving, signum: signal.Signals) -> None:
    job_id = await server.start()
    async with watching(job_id) as terminal:
        await terminal.shows("Waiting rust-101")
        terminal.signal(signum)
        assert await terminal.end() == 128 + signum
        assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)


async def test_after_a_change_of_size_no_line_is_wider_than_the_terminal(server: Serving) -> None:
    job_id = await server.start("a-path-whose-name-is-rather-long")
    async with watching(job_id, width="110") as terminal:
        await terminal.shows("Waiting a-path-whose-name-is-rather-long   0%")
        terminal.resize(30)
        await terminal.shows("Waiting a-path-whose-name-is…")
        narrow = len(terminal.text)
        await build(server, job_id)
        assert await terminal.end() == 0
        frames = CONTROL.sub("", terminal.text[narrow:]).partition("Completed")[0]
        assert max(map(len, frames.splitlines())) < 30


@pytest.mark.parametrize(
    ("how", "has_frames", "has_color"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"term": "dumb"}, False, False)],
)
async def test_the_terminal_and_the_environment_say_what_may_be_written(
    server: Serving, how: dict[str, str], has_frames: bool, has_color: bool
) -> None:
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id, CONCEPTS)
    async with watching(job_id, **how) as terminal:
        await terminal.shows("rust-101")
        await server.work(server.worker.end, (root, succeeded()))
        await server.work(server.worker.run, job_id, lambda _: succeeded())
        assert await terminal.end() == 0
        assert (HIDE_CURSOR in terminal.text) is has_frames
        assert ("\x1b[32m" in terminal.text) is has_color
        if not has_frames:
            assert "\x1b" not in terminal.text
            assert "concepts 1/1 done" in terminal.plain

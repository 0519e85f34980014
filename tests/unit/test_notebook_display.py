"""A job in a notebook: its picture holds nothing but text of others, and is drawn over as the job moves."""

from dataclasses import replace
from typing import Any

import pytest

from jobcontrol import Client, Job
from jobcontrol._decoding import to_job_state
from jobcontrol._event_decoding import to_event
from jobcontrol.display.html import job_html
from jobcontrol.display.notebook import Notebook, is_notebook
from jobcontrol.events import LinkNotice, advance
from jobcontrol.values import Failure, JobState, JobStatus
from sdk.recording import END, job, partial_build
from sdk.scripted import ScriptedTransport

EVIL = '<script>alert("x")</script>'


def test_all_that_comes_from_elsewhere_is_escaped() -> None:
    step = replace(to_event(partial_build()[4]).changes.steps[0].step, label=EVIL, error=Failure(EVIL, EVIL))  # type: ignore[union-attr]
    stage = replace(to_job_state(END).stages[0], stage=EVIL)
    state = JobState(
        "id", title=EVIL, status=JobStatus.FAILED, stages=(stage,), missing=(step,), url=f"http://x/{EVIL}"
    )
    html = job_html(state, remarks=(EVIL,))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 6


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "ftp://x"])
def test_a_link_is_to_a_page_and_to_nothing_else(url: str) -> None:
    assert "href" not in job_html(JobState("id", url=url))
    assert 'href="https://x/ui/jobs/id"' in job_html(JobState("id", url="https://x/ui/jobs/id"))


def test_a_job_shows_its_stages_and_what_it_lacks() -> None:
    html = Job(Client(transport=ScriptedTransport())._connection, to_job_state(END))._repr_html_()
    assert "<strong>Built rust-101</strong> · <code>7f3a91c2</code> · completed 100% · 3m30" in html
    assert html.count("<progress") == 2
    assert "22/22" in html


class Output:
    """Stands in for IPython.display: keeps what a cell would show."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    def display(self, frame: str, *, display_id: bool) -> "Output":
        assert display_id
        self.frames.append(frame)
        return self

    def update(self, frame: str) -> None:
        self.frames.append(frame)

    def HTML(self, text: str) -> str:
        return text


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_frames_are_few_and_the_last_one_is_the_end() -> None:
    output, clock = Output(), Clock()
    state = to_job_state(job("PENDING", at=0))
    with Notebook(state, clock=clock, output=output) as display:
        for message in partial_build():
            event = to_event(message)
            state = advance(state, event)
            clock.seconds += 0.1
            display.show(event, state)
    assert [frame.split("%")[0].rsplit(" ", 1)[-1] for frame in output.frames] == ["0", "50", "100", "100"]
    assert "Lifetimes: RateLimitError: 429 from model" in output.frames[-1]


def test_a_lost_link_is_told_and_so_is_its_return() -> None:
    output, clock = Output(), Clock()
    with Notebook(JobState("id"), clock=clock, output=output) as display:
        clock.seconds += 1
        display.note_link(LinkNotice(is_restored=False, cause="no server at x:1 (refused)"))
        clock.seconds += 1
        display.note_link(LinkNotice(is_restored=True, cause=""))
    assert "no server at x:1 (refused); trying again" in output.frames[1]
    assert "reconnected, nothing was missed" in output.frames[2]


@pytest.mark.parametrize(("shell", "is_one"), [(object(), False), (type("Kernel", (), {"kernel": 1})(), True)])
def test_a_notebook_is_told_apart_from_a_terminal(shell: object, is_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_notebook()
    fake: Any = type("IPython", (), {"get_ipython": staticmethod(lambda: shell)})
    monkeypatch.setitem(__import__("sys").modules, "IPython", fake)
    assert is_notebook() is is_one

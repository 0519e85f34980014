"""A job as HTML, for notebooks: everything that comes from a server is escaped, and no script is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from jobcontrol.display.wording import (
    count_of,
    failure_line,
    format_seconds,
    notes_of,
    run_seconds,
    share_of,
    verb_of,
)
from jobcontrol.values import JobState, StageProgress, Step

_CELL = 'style="text-align:left;padding:0 1em 0 0"'


def job_html(
    state: JobState, *, now: datetime | None = None, failures: Iterable[Step] = (), remarks: Iterable[str] = ()
) -> str:
    """What is known of a job: a headline, a bar for each stage, failed steps, and remarks below."""
    parts = _parts(state, now, tuple(failures) or state.missing, remarks)
    return f'<div class="jobcontrol-job">{"".join(parts)}</div>'


def _parts(state: JobState, now: datetime | None, failures: Iterable[Step], remarks: Iterable[str]) -> Iterator[str]:
    yield f"<div>{_headline(state, now)}</div>"
    rows = "".join(map(_row, state.stages))
    yield f"<table>{rows}</table>" if rows else ""
    for step in failures:
        yield f'<div style="color:#b00020">! {escape(failure_line(step))}</div>'
    for words in filter(None, remarks):
        yield f"<div><em>{escape(words)}</em></div>"


def _headline(state: JobState, now: datetime | None) -> str:
    seconds = run_seconds(state, now)
    words = [
        f"<strong>{escape(f'{verb_of(state.status)} {state.name}')}</strong>",
        f"<code>{escape(state.short_id)}</code>",
        f"{escape(state.status)} {state.percent}%",
        escape(format_seconds(seconds)) if seconds is not None else "",
        _link(state.url),
    ]
    return " · ".join(filter(None, words))


def _link(url: str) -> str:
    # A scheme that runs something has no place behind a word that invites to click.
    if not url.startswith(("http://", "https://")):
        return ""
    return f'<a href="{escape(url)}" target="_blank" rel="noopener">page</a>'


def _row(stage: StageProgress) -> str:
    bar = f'<progress max="1" value="{share_of(stage):.3f}"></progress>'
    cells = (escape(stage.stage), bar, escape(count_of(stage)), escape(notes_of(stage)))
    return f"<tr>{''.join(f'<td {_CELL}>{cell}</td>' for cell in cells)}</tr>"

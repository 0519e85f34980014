"""docs/images/watch.svg: `make demo` as a real terminal showed it, recorded in tmux and drawn as SVG that moves.

    python scripts/picture.py

Each row of the terminal is drawn once for as long as it stays the same. Who asks for less motion, or has a viewer
that knows none, sees how it ended.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "watch.svg"
COLUMNS, ROWS = 88, 60
#: Of the screen: the command in place of where the demo keeps its files, then what moves.
ROWS_SHOWN = 8
COMMAND = "$ make demo"
TURN, HOLD, LONGEST_STILLNESS, PATIENCE = 0.1, 4.0, 1.0, 180.0
CELL, LINE, MARGIN = 8.4, 20, 16
SGR = re.compile(r"\x1b\[([\d;]*)m")
#: Characters that fonts draw with gaps between them, as shares of a filled cell.
BLOCKS = {"█": 1.0, "░": 0.22}
COLORS = {"31": "red", "32": "green", "33": "yellow"}

STYLE = """
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:var(--fg)}
svg{--bg:#ffffff;--edge:#d0d7de;--fg:#1f2328;--dim:#59636e;--green:#1a7f37;--red:#cf222e;--yellow:#9a6700}
@media(prefers-color-scheme:dark){
svg{--bg:#0d1117;--edge:#30363d;--fg:#e6edf3;--dim:#9198a1;--green:#3fb950;--red:#f85149;--yellow:#d29922}}
.bold{font-weight:700}.dim{fill:var(--dim)}.green{fill:var(--green)}.red{fill:var(--red)}.yellow{fill:var(--yellow)}
.past{visibility:hidden}
@media(prefers-reduced-motion:no-preference){.row{animation:var(--when) %(seconds).1fs step-end infinite}}
"""


@dataclass(frozen=True)
class Look:
    """How characters are drawn."""

    is_bold: bool = False
    is_dim: bool = False
    color: str = ""

    def told(self, codes: Iterable[str]) -> Look:
        look = self
        for code in codes:
            if code in ("", "0"):
                look = Look()
            elif code in COLORS or code == "39":
                look = replace(look, color=COLORS.get(code, ""))
            elif code in ("1", "2", "22"):
                look = replace(look, is_bold=code == "1", is_dim=code == "2")
        return look

    @property
    def classes(self) -> str:
        named = [self.color, "bold" * self.is_bold, "dim" * self.is_dim]
        return " ".join(name for name in named if name)


@dataclass(frozen=True)
class Run:
    """Characters of one look, from a column on."""

    column: int
    text: str
    look: Look


@dataclass(frozen=True)
class Frame:
    """The rows of the screen from a moment on, in seconds since the first."""

    at: float
    rows: tuple[tuple[Run, ...], ...]


def main() -> int:
    """Record it, draw it; returns the exit code."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(drawn(recorded()), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes")
    return 0


def recorded() -> list[Frame]:
    """The screens of a demo, from the first bars to the last, a long stillness shortened."""
    with tempfile.TemporaryDirectory() as scratch:
        tmux = ["tmux", "-S", f"{scratch}/socket", "-f", "/dev/null"]
        demo = f"{sys.executable} {ROOT / 'scripts' / 'demo.py'}; sleep {PATIENCE}"
        subprocess.run([*tmux, "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), demo], check=True)
        try:
            return list(_frames(tmux))
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)


def _frames(tmux: list[str]) -> Iterator[Frame]:
    at, seen_at = 0.0, time.monotonic()
    before: tuple[tuple[Run, ...], ...] = ()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        screen = subprocess.run([*tmux, "capture-pane", "-e", "-p"], capture_output=True, text=True, check=True).stdout
        rows = tuple(parsed(screen))[:ROWS_SHOWN]
        if "Knowledge Units" in screen and rows != before:
            now = time.monotonic()
            at += min(now - seen_at, LONGEST_STILLNESS) if before else 0.0
            yield Frame(at, rows)
            before, seen_at = rows, now
        if "Everything is stopped" in screen:
            return
        time.sleep(TURN)
    raise SystemExit("error: the demo did not end")


def parsed(screen: str) -> Iterator[tuple[Run, ...]]:
    """Each row as runs; the look goes on from one row to the next, as a terminal tells it."""
    look = Look()
    for number, line in enumerate(screen.splitlines()):
        runs, column, place = [], 0, 0
        for found in [*SGR.finditer(line), None]:
            text = line[place : found.start()] if found else line[place:]
            runs += [Run(column + run.start(), run[0], look) for run in re.finditer(r"█+|░+|[^█░]+", text)]
            column += len(text)
            if found:
                look, place = look.told(found[1].split(";")), found.end()
        yield (Run(0, COMMAND, Look(is_bold=True)),) if number == 0 else tuple(runs)


def drawn(frames: list[Frame]) -> str:
    """The picture of all frames."""
    end = frames[-1].at + HOLD
    width, height = COLUMNS * CELL + 2 * MARGIN, ROWS_SHOWN * LINE + 2 * MARGIN
    shapes, moments = list[str](), list[str]()
    for row in range(ROWS_SHOWN):
        for start, stop, runs in _stays(frames, row, end):
            shape = "".join(_shapes(runs, MARGIN + row * LINE))
            if not shape:
                continue
            if (start, stop) == (0.0, end):
                shapes.append(f"<g>{shape}</g>")
                continue
            name = f"m{len(moments)}"
            moments.append(_moment(name, start / end * 100, stop / end * 100))
            past = " past" if stop < end else ""
            shapes.append(f'<g class="row{past}" style="--when:{name}">{shape}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}">'
        "<title>make demo: a build with live bars goes on while one of its workers is killed</title>"
        f"<style>{STYLE % {'seconds': end}}{''.join(moments)}</style>"
        f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1}" rx="8" '
        'style="fill:var(--bg);stroke:var(--edge)"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


def _stays(frames: list[Frame], row: int, end: float) -> Iterator[tuple[float, float, tuple[Run, ...]]]:
    """What a row shows, each with the time from which and until which it does."""
    changes = [
        frames[0],
        *(new for old, new in itertools.pairwise(frames) if new.rows[row] != old.rows[row]),
    ]
    for frame, following in zip(changes, [*changes[1:], None], strict=True):
        yield frame.at, following.at if following else end, frame.rows[row]


def _moment(name: str, start: float, stop: float) -> str:
    shown = "visibility:visible"
    hidden = "visibility:hidden"
    first = f"0%{{{shown}}}" if start == 0 else f"0%{{{hidden}}}{start:.2f}%{{{shown}}}"
    return f"@keyframes {name}{{{first}{'' if stop >= 100 else f'{stop:.2f}%,100%{{{hidden}}}'}}}\n"


def _shapes(runs: Iterable[Run], top: float) -> Iterator[str]:
    for run in runs:
        x, width = MARGIN + run.column * CELL, len(run.text) * CELL
        classes = f' class="{run.look.classes}"' if run.look.classes else ""
        if share := BLOCKS.get(run.text[0]):
            yield f'<rect x="{x:.1f}" y="{top + 4}" width="{width:.1f}" height="14" opacity="{share}"{classes}/>'
        elif run.text.strip():
            indent = len(run.text) - len(run.text.lstrip())
            text = escape(run.text.strip(), quote=False)
            length = len(run.text.strip()) * CELL
            yield f'<text x="{x + indent * CELL:.1f}" y="{top + 15}" textLength="{length:.1f}"{classes}>{text}</text>'


if __name__ == "__main__":
    sys.exit(main())

"""The picture in README.md is what `scripts/picture.py` draws of a terminal: well-formed, and it ends with the end."""

import sys
from pathlib import Path
from xml.etree import ElementTree

from house.source_tree import ROOT, read

sys.path.insert(0, str(ROOT / "scripts"))

from picture import COMMAND, ROWS_SHOWN, Frame, drawn, parsed

SVG = "{http://www.w3.org/2000/svg}"
BARS = "starting\n\x1b[1mBuilding\x1b[0m 40%\n\x1b[32m██░░\x1b[39m 2/~4 <&>\n"


def texts(picture: str, *, without: str = "") -> list[str]:
    groups = ElementTree.fromstring(picture).iter(f"{SVG}g")
    shown = [group for group in groups if not without or without not in group.get("class", "")]
    return ["".join(group.itertext()) for group in shown]


def test_colours_and_blocks_are_drawn_and_text_stays_text() -> None:
    rows = (*parsed(BARS), *[()] * ROWS_SHOWN)[:ROWS_SHOWN]
    picture = drawn([Frame(0.0, rows)])
    assert texts(picture) == [COMMAND, "Building40%", "2/~4 <&>"]
    bars = [rect for rect in ElementTree.fromstring(picture).iter(f"{SVG}rect") if rect.get("class") == "green"]
    assert [float(bar.get("opacity", "")) for bar in bars] == [1.0, 0.22]


def test_a_row_that_changed_is_past_and_the_last_one_stays() -> None:
    earlier, later = ((*parsed(f"starting\n{word}\n"), *[()] * ROWS_SHOWN)[:ROWS_SHOWN] for word in ("one", "two"))
    picture = drawn([Frame(0.0, earlier), Frame(1.0, later)])
    assert texts(picture) == [COMMAND, "one", "two"]
    assert texts(picture, without="past") == [COMMAND, "two"]


def test_the_picture_of_the_readme_ends_with_a_build_that_completed_after_a_kill() -> None:
    shown = " ".join(texts(read(Path("docs/images/watch.svg")), without="past"))
    assert "kill -9 of worker process" in shown
    assert "100%" in shown

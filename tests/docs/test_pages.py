"""Every page is true: who reads it and does what it says finds what it shows.

A page is worked through from top to bottom on an empty desk, with one server. Of its blocks

- `sh` runs, and ends with 0 or as it says behind a command: `# exits with 3`; of `make` the target has to be there;
- `console` runs too, each `$ command`, and prints what is shown;
- `python` runs as it stands; one that begins with `# name.py` is saved under that name;
- others that begin with a file's name are saved, and data has to be well-formed;
- a block under "*No test runs this: ...*" is left out, and so the reader knows.
"""

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from docs.pages import Block, blocks, make_targets, pages
from docs.printed import is_as_shown
from docs.reader import Reader, Refused
from house.source_tree import read

#: Pages whose blocks another test holds to the code.
TESTED_BY = {
    Path("CONTRIBUTING.md"): "test_contributing.py",
    Path("docs/cli.md"): "test_cli_reference.py",
    Path("docs/operations.md"): "test_operations.py",
    Path("docs/reference/sdk.md"): "test_sdk_reference.py",
}
#: Addresses that pages name, for which the reader has services of his own.
POSTGRES, REDIS = "postgresql://jobcontrol:secret@db/jobcontrol", "redis://redis:6379/0"
#: Tables, drawings and what somebody else prints: nothing to run.
INERT = {"text"}
TO_WORK_THROUGH = [page for page in pages() if page not in TESTED_BY and any(blocks(page))]


@pytest.fixture
def reader(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Has the services that the page names by these addresses, and the programs that belong to them."""
    places, tools = {}, []
    if POSTGRES in read(page):
        # As PostgreSQL's own programs understand it.
        places[POSTGRES] = request.getfixturevalue("postgres_url").replace("postgresql+psycopg:", "postgresql:")
        tools.append(request.getfixturevalue("postgres_server").programs)
    if REDIS in read(page):
        places[REDIS] = request.getfixturevalue("redis_url")
    reader = Reader(tmp_path, places, tools)
    yield reader
    reader.leave()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", TO_WORK_THROUGH, ids=str)
def test_who_does_what_a_page_says_finds_what_it_shows(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        if block.is_untested or block.language in INERT:
            continue
        assert block.language in DOING, f"{block.place}: no test knows {block.language or 'a block without a language'}"
        if refusal := refusal_of(reader, block):
            pytest.fail(f"{block.place}: {refusal}", pytrace=False)


def test_a_page_that_another_test_runs_is_known_there() -> None:
    for page, test in TESTED_BY.items():
        assert str(page) in read(Path("tests/docs") / test)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("Started 7f3a91c2", "Started 5b17b0e4\n"),
        ("done in 1.2s\n…", "done in 12s\nmore\nmore"),
        ("a   b", "a b"),
        ("error: …; start one", "error: no server at x; start one"),
        ("…\nlast", "last"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(shown: str, printed: str) -> None:
    assert is_as_shown(shown, printed)


@pytest.mark.parametrize(("shown", "printed"), [("two\nlines", "two"), ("3 steps", "4 steps"), ("", "more")])
def test_any_other_difference_is_one(shown: str, printed: str) -> None:
    assert not is_as_shown(shown, printed)


def refusal_of(reader: Reader, block: Block) -> str:
    """Empty if all went as the block says."""
    try:
        DOING[block.language](reader, block)
    except Refused as refusal:
        return str(refusal)
    return ""


class TagChecker(HTMLParser):
    """Knows what is open, and what stands in scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.script = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("input", "meta", "link"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open_tags[-1:] == ["script"]:
            self.script += data


def do_shell(reader: Reader, block: Block) -> None:
    """As commands that stay have a terminal each, they stand alone in their blocks."""
    if commands_of(block) and all(command.startswith("make ") for command in commands_of(block)):
        if missing := {command.split()[1] for command in commands_of(block)} - make_targets():
            raise Refused(f"no target of the Makefile: {missing}")
        return
    reader.type(block.text)


def do_console(reader: Reader, block: Block) -> None:
    for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        printed = reader.type(command)
        if not is_as_shown(reader.here(shown), printed):
            raise Refused(f"{command} printed\n{printed}\nand shown is\n{shown}")


def do_python(reader: Reader, block: Block) -> None:
    if block.file_name:
        compile(block.text, block.place, "exec")
        reader.save(block.file_name, block.text)
    else:
        reader.run_python(block.text)


def data(parse: Callable[[str], object]) -> Callable[[Reader, Block], None]:
    """What is done with data: it is parsed, and saved if it is a file."""

    def do(reader: Reader, block: Block) -> None:
        try:
            parse(block.text)
        except (ValueError, yaml.YAMLError, configparser.Error) as error:
            raise Refused(str(error)) from error
        if block.file_name:
            reader.save(block.file_name, block.text)

    return do


def check_html(text: str) -> None:
    """ValueError unless each element is closed, and scripts are programs as far as node can tell, if it is there."""
    checker = TagChecker()
    checker.feed(text)
    if checker.open_tags:
        raise ValueError(f"not closed: {checker.open_tags}")
    if node := shutil.which("node"):
        checked = subprocess.run(
            [node, "--input-type=module", "--check"], input=checker.script, capture_output=True, text=True, check=False
        )
        if checked.returncode:
            raise ValueError(checked.stderr)


def commands_of(block: Block) -> list[str]:
    lines = [line.partition("#")[0].strip() for line in block.text.splitlines()]
    return [line for line in lines if line]


DOING: dict[str, Callable[[Reader, Block], None]] = {
    "sh": do_shell,
    "console": do_console,
    "python": do_python,
    "html": data(check_html),
    "json": data(json.loads),
    "toml": data(tomllib.loads),
    "yaml": data(yaml.safe_load),
    "ini": data(lambda text: configparser.ConfigParser(strict=False, interpolation=None).read_string(text)),
}

"""What is typed becomes values: durations, pairs, and options that may stand anywhere."""

import pytest

from jobcontrol.cli.arguments import command_index, hoist, parse_duration, parse_input, parse_labels
from jobcontrol.cli.exits import ExitCode, worst
from jobcontrol.errors import InvalidInput

COMMANDS = ("list", "start")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("0.5s", 0.5), ("10m", 600), ("1h", 3600), ("1h30m15s", 5415), ("7d", 604800)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5w", "m", "1_0s", "٣s"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match="for example 90s, 10m, 1h30m or 7d"):
        parse_duration(text)


def test_values_that_are_json_count_as_that_and_others_as_text() -> None:
    pairs = ["a=1", "b=true", "c=[1,2]", "d=null", 'e="1"', "f=1 2", "g="]
    expected = {"a": 1, "b": True, "c": [1, 2], "d": None, "e": "1", "f": "1 2", "g": ""}
    assert parse_input(pairs, "") == expected


def test_a_label_is_always_text() -> None:
    assert parse_labels(["depth=1"]) == {"depth": "1"}


@pytest.mark.parametrize(
    ("argv", "moved"),
    [
        (["list", "--json"], ["--json", "list"]),
        (["list", "-s", "failed", "--server", "a:1", "-v"], ["--server", "a:1", "-v", "list", "-s", "failed"]),
        (["--token", "list", "list", "--progress=plain"], ["--token", "list", "--progress=plain", "list"]),
        (["start", "p", "--", "--json"], ["start", "p", "--", "--json"]),
        (["dev", "--server", "a:1"], ["dev", "--server", "a:1"]),
        (["--help"], ["--help"]),
    ],
)
def test_options_of_all_commands_move_before_the_name_of_ours(argv: list[str], moved: list[str]) -> None:
    assert hoist(argv, COMMANDS) == moved


def test_the_value_of_an_option_is_not_the_command() -> None:
    assert command_index(["--server", "list", "-v", "start"]) == 3
    assert command_index(["--json"]) is None


def test_the_worst_of_no_jobs_is_good() -> None:
    assert worst([]) is ExitCode.COMPLETED
    assert worst([ExitCode.PARTIAL, ExitCode.CANCELLED]) is ExitCode.CANCELLED

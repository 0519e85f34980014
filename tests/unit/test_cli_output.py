"""The forms in which data is written: one document, a line for each, or only the members that were asked for."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobcontrol import v1 as pb
from sdk.recording import END, JOB_ID, SHORT_ID, job
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

LISTED = ["list"]


def listing(*jobs: pb.Job) -> ScriptedTransport:
    return ScriptedTransport(ListJobs=pb.ListJobsResponse(jobs=jobs), GetJob=pb.GetJobResponse(job=END))


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        (["list", "--fields", "short_id,percent"], f"{SHORT_ID}\t100\n" * 2),
        (["list", "--fields", "short_id", "--jsonl"], f'{{"short_id":"{SHORT_ID}"}}\n' * 2),
        (["get", JOB_ID, "--fields", "status"], "completed\n"),
        (["get", JOB_ID, "--fields=status,error.type", "--json"], '{"status":"completed","error.type":null}\n'),
        (["get", JOB_ID, "--fields", "result_media_types"], '["application/json", "text/markdown"]\n'),
    ],
)
def test_only_the_members_that_were_named_are_written(shell: Shell, argv: list[str], out: str) -> None:
    assert shell.run(listing(END, END), *argv) == 0
    assert shell.out == out


def test_in_one_document_of_a_list_the_members_are_those_of_its_items(shell: Shell) -> None:
    assert shell.run(listing(END), "list", "--json", "--fields", "path_id") == 0
    document = json.loads(shell.out)
    assert (document["items"], document["next_cursor"]) == ([{"path_id": "rust-101"}], None)


@pytest.mark.parametrize("fields", ["colour", "status.colour", "stages.name"])
def test_a_member_that_is_not_there_is_a_usage_error_that_names_those_that_are(shell: Shell, fields: str) -> None:
    assert shell.run(listing(END), "get", JOB_ID, "--fields", fields) == 2
    assert f"there is no '{fields.rpartition('.')[2]}'" in shell.err
    assert shell.err.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [["list", "--fields", "a,,b"], ["list", "--json", "--jsonl"], ["logs", JOB_ID, "-f", "--json"]],
)
def test_forms_that_exclude_each_other_or_make_no_sense_are_refused(shell: Shell, argv: list[str]) -> None:
    assert shell.run(listing(END), *argv) == 2
    assert shell.out == ""


@pytest.mark.parametrize(
    ("environment", "argv", "is_colored"),
    [
        ({}, LISTED, False),
        ({"FORCE_COLOR": "1"}, LISTED, True),
        ({"FORCE_COLOR": "0"}, LISTED, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, LISTED, False),
        ({"FORCE_COLOR": "1"}, [*LISTED, "--no-color"], False),
    ],
)
def test_color_is_for_terminals_unless_the_environment_says_otherwise(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], argv: list[str], is_colored: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shell.run(listing(END), *argv)
    assert ("\x1b[32mcompleted\x1b[0m" in shell.out) is is_colored


def created(ago: timedelta, **fields: object) -> pb.Job:
    made = job("FAILED", **fields)  # type: ignore[arg-type]
    made.created_at.FromDatetime(datetime.now(UTC) - ago)
    return made


def test_since_ends_the_list_at_the_first_job_that_is_older(shell: Shell) -> None:
    ages = [timedelta(hours=1), timedelta(hours=23), timedelta(hours=25)]
    there = listing(*map(created, ages))
    assert shell.run(there, "list", "--since", "24h", "--fields", "short_id") == 0
    assert len(shell.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "count"), [("ownership", 1), ("429 model", 1), (SHORT_ID, 3), ("RUST-101", 3), ("rust nothing", 0)]
)
def test_a_query_finds_words_in_id_path_title_and_error(shell: Shell, text: str, count: int) -> None:
    error = pb.JobError(type="RateLimitError", message="429 from model")
    there = listing(job(), job("FAILED", title="Ownership"), job("FAILED", error=error))
    assert shell.run(there, "list", "-q", text, "--fields", "status") == 0
    assert len(shell.out.splitlines()) == count


def test_the_limit_counts_what_the_query_found(shell: Shell) -> None:
    other = job(title="other")
    there = listing(other, other, END, END, END)
    assert shell.run(there, "list", "-q", "7f3a91c2", "-s", "completed", "--limit", "2", "--jsonl") == 0
    assert len(shell.out.splitlines()) == 2


def test_times_in_json_are_rfc_3339(shell: Shell) -> None:
    assert shell.run(listing(END), "get", JOB_ID, "--fields", "created_at,completed_at") == 0
    assert shell.out == "2026-03-01T12:00:00Z\t2026-03-01T12:03:30Z\n"

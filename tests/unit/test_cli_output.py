"""The forms in which data is written: one document, a line for each, or only the members that were asked for."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobcontrol import v1 as pb
from sdk.recording import END, JOB_ID, SHORT_ID
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


def test_what_is_looked_for_is_asked_of_the_server(shell: Shell) -> None:
    there = listing(END)
    words = ["-s", "failed", "--since", "24h", "-q", "429 model", "--filter", "priority > 3", "--has-errors"]
    assert shell.run(there, "list", *words, "--pipeline", "learning-path", "--path", "rust-101") == 0
    (request,) = there.sent(pb.ListJobsRequest)
    assert (request.query, request.filter, request.has_failed_steps) == ("429 model", "priority > 3", True)
    assert (list(request.status), request.pipeline) == ([pb.JOB_STATUS_FAILED], "learning-path")
    age = datetime.now(UTC) - request.created.start_time.ToDatetime(UTC)
    assert timedelta(hours=24) <= age < timedelta(hours=25)


def test_a_list_goes_on_where_its_cursor_says(shell: Shell) -> None:
    there = ScriptedTransport(ListJobs=pb.ListJobsResponse(jobs=[END], next_page_token="c2"))
    assert shell.run(there, "list", "--json", "--limit", "1", "--cursor", "c1") == 0
    assert json.loads(shell.out)["next_cursor"] == "c2"
    (request,) = there.sent(pb.ListJobsRequest)
    assert (request.page_token, request.page_size) == ("c1", 1)
    assert "--cursor c2" in shell.err


def test_all_of_a_list_is_every_page(shell: Shell) -> None:
    pages = [pb.ListJobsResponse(jobs=[END], next_page_token="c1"), pb.ListJobsResponse(jobs=[END])]
    for form, count in (["--jsonl"], 2), (["--fields", "status"], 2), (["--json"], 1), ([], 3):
        assert shell.run(ScriptedTransport(ListJobs=list(pages)), "list", "--all", *form) == 0
        assert len(shell.out.splitlines()) == count


def test_times_in_json_are_rfc_3339(shell: Shell) -> None:
    assert shell.run(listing(END), "get", JOB_ID, "--fields", "created_at,completed_at") == 0
    assert shell.out == "2026-03-01T12:00:00Z\t2026-03-01T12:03:30Z\n"

"""What a shell offers: words of the commands, what the server knows, and nothing where something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from jobcontrol import Client
from jobcontrol import v1 as pb
from jobcontrol._settings import ClientSettings
from jobcontrol.cli.app import application
from jobcontrol.cli.completing import offers
from jobcontrol.cli.completions import SCRIPTS
from jobcontrol.errors import ConnectionFailed
from sdk.recording import END, SHORT_ID
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

ROOT = typer.main.get_command(application([]))


def offered(*words: str, server: ScriptedTransport | None = None) -> list[str]:
    transport = server or ScriptedTransport(
        ListJobs=pb.ListJobsResponse(jobs=[END]),
        ListPipelines=pb.ListPipelinesResponse(pipelines=[pb.Pipeline(pipeline="learning-path")]),
        ListQueues=pb.ListQueuesResponse(queues=[pb.Queue(queue="generate-ku")]),
    )

    def connect(_: ClientSettings) -> Client:
        return Client(transport=transport)

    return [word for word, _ in offers(words, ROOT, connect)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["wa"], ["watch", "wait"]),
        (["--json", "expl"], ["explain"]),
        (["queues", ""], ["list", "pause", "resume", "limit"]),
        (["watch", "--fail"], ["--fail-fast"]),
        (["watch", "--js"], ["--json", "--jsonl"]),
        (["start", "--if-running", ""], ["fail", "attach", "replace"]),
        (["start", "--if-running=att"], ["--if-running=attach"]),
        (["list", "--status", "=", "fa"], ["failed"]),
        (
            ["list", "--status", "="],
            ["pending", "processing", "completed", "failed", "cancelled", "paused", "cancelling"],
        ),
        (["completion", "z"], ["zsh"]),
        (["get", ""], ["@last", SHORT_ID]),
        (["get", "--allow-partial", "7f"], [SHORT_ID]),
        (["wait", SHORT_ID, "7f"], [SHORT_ID]),
        (["get", SHORT_ID, ""], []),
        (["cancel", "7f"], [SHORT_ID]),
        (["dead", "list", "--job", "7f"], [SHORT_ID]),
        (["start", "le"], ["learning-path"]),
        (["queues", "pause", ""], ["generate-ku"]),
        (["start", "learning-path", "p", "--document", ""], []),
        (["nothing-such", ""], []),
    ],
)
def test_what_may_come_next_is_offered(words: list[str], found: list[str]) -> None:
    assert offered(*words) == found


def test_a_server_that_does_not_answer_is_not_spoken_of() -> None:
    gone = ScriptedTransport(ListJobs=ConnectionFailed("no server"))
    assert offered("get", "", server=gone) == []


@pytest.mark.parametrize("shell_name", SCRIPTS)
def test_the_script_of_each_shell_names_both_commands(shell: Shell, shell_name: str) -> None:
    assert shell.run(ScriptedTransport(), "completion", shell_name) == 0
    assert "jobctl" in shell.out
    assert "jobcontrol" in shell.out


#: What bash does at Tab, and a line for each thing that it offers.
AT_TAB = 'source "$1"; COMP_WORDS=(jobctl "${@:2}"); COMP_CWORD=$(($# - 1)); _jobctl; echo "${COMPREPLY[*]}"'


@pytest.mark.parametrize(
    ("typed", "found"), [(["wa"], {"watch", "wait"}), (["list", "-s", "fa"], {"failed"}), (["get", "7f"], set())]
)
def test_bash_itself_completes(tmp_path: Path, typed: list[str], found: set[str]) -> None:
    (tmp_path / "jobctl").write_text(f'#!/bin/sh\nexec {sys.executable} -m jobcontrol.cli "$@"\n')
    (tmp_path / "jobctl").chmod(0o755)
    (tmp_path / "script").write_text(SCRIPTS["bash"])
    # Nobody listens there: what the commands are is known without a server.
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "JOBCONTROL_SERVER": "127.0.0.1:1"}
    words = ["bash", "-c", AT_TAB, "bash", str(tmp_path / "script"), *typed]
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (set(ran.stdout.split()), ran.stderr) == (found, "")

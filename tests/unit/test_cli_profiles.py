"""Servers known by name: added, chosen, shown without their tokens, and forgotten."""

import json
import stat
from pathlib import Path

import pytest

from jobcontrol._profiles import read_profiles
from jobcontrol.cli import app
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

NOBODY = ScriptedTransport()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profiles are kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("JOBCONTROL_PROFILE", raising=False)
    return tmp_path / "jobcontrol"


def test_what_was_added_is_read_by_the_sdk_and_the_first_one_is_the_default(shell: Shell, folder: Path) -> None:
    added = ["profile", "add", 'the "old" one', "jobs.example.org:443", "--with-token", "--token", "s3cr\\et\t"]
    assert shell.run(NOBODY, *added, "--root-certificates", "ca.pem") == 0
    assert shell.run(NOBODY, "profile", "add", "here", "localhost:50051") == 0
    known = read_profiles(folder)
    assert known.default == 'the "old" one'
    old = known.by_name['the "old" one']
    assert (old.address, old.token) == ("jobs.example.org:443", "s3cr\\et\t")
    assert old.tls is not None
    assert old.tls.root_certificates == folder / "ca.pem"
    assert stat.S_IMODE((folder / "profiles.toml").stat().st_mode) == 0o600


def test_the_list_and_the_settings_never_show_a_token(shell: Shell, folder: Path) -> None:
    shell.run(NOBODY, "profile", "add", "far", "far:1", "--with-token", "--token", "s3cret")
    for words in (["profile", "list"], ["config"], ["profile", "list", "--json"], ["config", "--json"]):
        assert shell.run(NOBODY, *words) == 0
        assert "s3cret" not in shell.out + shell.err
    assert json.loads(shell.out)["token"] == "set"


def test_the_default_is_chosen_and_forgotten(shell: Shell, folder: Path) -> None:
    for name in ("one", "two"):
        shell.run(NOBODY, "profile", "add", name, f"{name}:1")
    assert shell.run(NOBODY, "profile", "use", "two") == 0
    assert read_profiles(folder).default == "two"
    assert shell.run(NOBODY, "profile", "remove", "two") == 0
    assert (read_profiles(folder).default, set(read_profiles(folder).by_name)) == ("", {"one"})


@pytest.mark.parametrize(
    "words", [["profile", "use", "gone"], ["profile", "remove", "gone"], ["profile", "add", "a", "a:1", "--with-token"]]
)
def test_what_is_not_there_is_a_usage_error(shell: Shell, folder: Path, words: list[str]) -> None:
    assert shell.run(NOBODY, *words) == 2
    assert shell.err.count("\n") == 1
    assert not folder.exists()


def test_a_profile_that_is_typed_wins_over_the_environment(
    folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run(NOBODY, "profile", "add", "far", "far:1")
    monkeypatch.setenv("JOBCONTROL_SERVER", "near:1")
    for words, server in (([], "near:1"), (["--profile", "far"], "far:1"), (["--server", "x:1"], "x:1")):
        assert app.run(["config", "--fields", "server", *words]) == 0
        assert capsys.readouterr().out == f"{server}\n"


def test_a_profile_that_is_not_known_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["list", "--profile", "gone"]) == 2
    assert "'gone' is not in" in capsys.readouterr().err


def test_the_file_of_somebody_else_is_not_written_over(shell: Shell, folder: Path) -> None:
    folder.mkdir()
    (folder / "profiles.toml").write_text("not = [toml")
    assert shell.run(NOBODY, "profile", "add", "a", "a:1") == 2
    assert (folder / "profiles.toml").read_text() == "not = [toml"

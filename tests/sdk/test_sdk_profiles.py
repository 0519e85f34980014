"""Where a client finds its server, and that a secret goes to the server that it is for."""

from pathlib import Path

import pytest

from jobcontrol import Client, Tls
from jobcontrol._profiles import find_target
from jobcontrol._settings import Target
from jobcontrol.errors import InvalidInput

FILE = """
default = "here"

[profiles.here]
server = "here:1"
token = "of-here"

[profiles.far]
server = "far:2"
token = "of-far"
root_certificates = "ca.pem"

[profiles.open]
server = "open:3"
tls = true
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's settings folder, with profiles in it."""
    for name in ("JOBCONTROL_SERVER", "JOBCONTROL_TOKEN", "JOBCONTROL_PROFILE", "JOBCONTROL_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "jobcontrol").mkdir()
    (tmp_path / "jobcontrol" / "profiles.toml").write_text(FILE)
    return tmp_path / "jobcontrol"


def test_the_default_profile_counts_where_nothing_is_said() -> None:
    assert find_target() == Target("here:1", "of-here")


def test_a_profile_is_named_by_argument_or_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Target("far:2", "of-far", Tls(root_certificates=folder / "ca.pem"))
    assert find_target(profile="far") == far
    monkeypatch.setenv("JOBCONTROL_PROFILE", "far")
    assert find_target() == far
    assert find_target(profile="open") == Target("open:3", "", Tls())


def test_the_token_of_a_profile_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_target("other:4") == Target("other:4", "")
    monkeypatch.setenv("JOBCONTROL_SERVER", "other:4")
    assert find_target() == Target("other:4", "")
    assert find_target("here:1") == Target("here:1", "of-here")


def test_what_is_named_in_the_call_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBCONTROL_SERVER", "other:4")
    monkeypatch.setenv("JOBCONTROL_TOKEN", "of-the-environment")
    assert find_target().token == "of-the-environment"
    assert find_target(profile="here") == Target("here:1", "of-here")
    assert find_target("mine:5", "mine") == Target("mine:5", "mine")


def test_certificates_come_from_the_environment_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBCONTROL_TLS", "true")
    assert find_target("other:4").tls == Tls()
    monkeypatch.setenv("JOBCONTROL_ROOT_CERTIFICATES", "/etc/ca.pem")
    assert find_target("other:4").tls == Tls(root_certificates=Path("/etc/ca.pem"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("default = ", "Invalid value"),
        ("default = 3", "needs default = NAME"),
        ("[profiles]\nhere = 3", "here: needs a server"),
        ("[profiles.here]\ntoken = 'x'", "here: needs a server"),
        ("[profiles.here]\nserver = 'x:1'\ncolour = 'red'", "here: colour is none of server, token"),
        ("[profiles.here]\nserver = 'x:1'\ntoken = 3", "here: token is no text"),
        ("default = 'there'", "'there' is not in .*there are none"),
    ],
)
def test_a_file_that_is_wrong_says_where(folder: Path, text: str, complaint: str) -> None:
    (folder / "profiles.toml").write_text(text)
    with pytest.raises(InvalidInput, match=complaint):
        Client()


def test_without_a_file_or_a_home_there_are_no_profiles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "profiles.toml").unlink()
    assert find_target() == Target()
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("HOME")
    assert find_target() == Target()
    with pytest.raises(InvalidInput, match=r"'far' is not in profiles\.toml"):
        Client(profile="far")


@pytest.mark.parametrize("token", ["two\nlines", " spaced ", "grüß"])
def test_a_token_that_cannot_be_sent_is_turned_down_without_being_shown(token: str) -> None:
    with pytest.raises(InvalidInput, match="printable ASCII") as raised:
        Client("here:1", token=token)
    assert token not in str(raised.value)


def test_a_secret_is_in_no_repr(folder: Path) -> None:
    client = Client()
    assert "of-here" not in repr([client, client._connection.target, client.__dict__])

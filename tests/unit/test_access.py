"""Who must say a token, and what counts as saying it."""

import pytest

from jobcontrol_core.domain.errors import TokenInvalid, TokenMissing
from jobcontrol_core.settings import Settings, SettingsError
from jobcontrol_server.access import check_token, require_token
from jobcontrol_server.addresses import is_loopback

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_this_machine_alone_reaches_a_loopback_address(address: str) -> None:
    assert is_loopback(address)
    require_token(Settings.load(token=""), address)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "build-box:1", "localhost.example:1"])
def test_any_other_address_needs_a_token(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(SettingsError, match=r"JOBCONTROL_TOKEN: must be set to listen on"):
        require_token(Settings.load(token=""), "127.0.0.1:1", address)
    require_token(Settings.load(token=TOKEN), "127.0.0.1:1", address)


@pytest.mark.parametrize("said", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}", f"Bearer {TOKEN}".encode()])
def test_the_token_may_follow_its_scheme_in_any_case_of_letters(said: str | bytes) -> None:
    check_token(TOKEN, [("user-agent", "x"), ("authorization", said)])


@pytest.mark.parametrize("metadata", [[], [("authorization", "")], [("authorization", f"Basic {TOKEN}")]])
def test_without_a_bearer_token_it_is_missing(metadata: list[tuple[str, str]]) -> None:
    with pytest.raises(TokenMissing):
        check_token(TOKEN, metadata)


@pytest.mark.parametrize(
    "said", [["Bearer wrong"], [f"Bearer {TOKEN}x"], [f"Bearer {TOKEN}", "Bearer wrong"], ["Bearer ü"]]
)
def test_any_other_token_is_invalid_also_beside_the_right_one(said: list[str]) -> None:
    with pytest.raises(TokenInvalid):
        check_token(TOKEN, [("authorization", value) for value in said])

"""The services behind the tests: each test starts from an empty one, and a missing one is told, not hidden."""

import pytest
import redis
from sqlalchemy import create_engine, inspect, text

from services.absence import missing, skip_lines
from services.valkey import ValkeyServer

_LEFT_BEHIND = text("CREATE TABLE left_behind (id INTEGER)")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_an_empty_database(database_url: str, turn: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == [], turn
        connection.execute(_LEFT_BEHIND)
    engine.dispose()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_an_empty_valkey(redis_url: str, turn: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0, turn
        client.set("left", "behind")


@pytest.mark.on_redis_too
def test_a_valkey_stopped_and_started_again_has_kept_its_keys(own_valkey: ValkeyServer) -> None:
    with redis.Redis.from_url(own_valkey.url) as client:
        client.set("kept", "yes")
    own_valkey.stop()
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url) as client:
        assert client.get("kept") == b"yes"


@pytest.mark.on_redis_too
def test_a_valkey_can_be_killed_and_started_again(own_valkey: ValkeyServer) -> None:
    killed = own_valkey.pid
    own_valkey.kill()
    own_valkey.start()
    assert own_valkey.pid != killed


def test_a_missing_service_skips_the_test_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL is missing"):
        missing("PostgreSQL", "make test")


def test_a_missing_service_fails_the_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="PostgreSQL is missing"):
        missing("PostgreSQL", "make test")


def test_skips_are_told_once_each_with_the_command_that_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception) as skipped:
        missing("Chromium", "apt-get install chromium")
    assert skip_lines([f"Skipped: {skipped.value}", "Skipped: Linux only", f"Skipped: {skipped.value}"]) == [
        "2 tests: Chromium is missing. To bring it: apt-get install chromium",
        "1 test: Linux only",
    ]

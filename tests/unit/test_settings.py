"""Settings: every name of the environment, what it becomes, and one line for what cannot be used."""

import re

import pytest

from jobcontrol_core.settings import Settings, SettingsError, environment_with

FIRST_DESIGN = [
    ("REDIS_HOST", "redis.internal", "redis_host", "redis.internal"),
    ("REDIS_PORT", "6380", "redis_port", 6380),
    ("REDIS_PASSWORD", "secret", "redis_password", "secret"),
    ("REDIS_DB", "2", "redis_db", 2),
    ("JOB_CONCURRENCY_DECOMPOSE", "4", "concurrency_decompose", 4),
    ("JOB_CONCURRENCY_GENERATE_KU", "6", "concurrency_generate_ku", 6),
    ("JOB_MAX_ATTEMPTS", "5", "max_attempts", 5),
    ("JOB_BACKOFF_TYPE", "fixed", "backoff_type", "fixed"),
    ("JOB_BACKOFF_DELAY", "250", "backoff_delay", 250),
]
REFUSED = [
    ("JOBCONTROL_WORKER_SLOTS", "0"),
    ("JOBCONTROL_WORKER_PROCESSES", "many"),
    ("JOBCONTROL_HEARTBEAT_SECONDS", "0"),
    ("JOBCONTROL_DRAIN_SECONDS", "-1"),
    ("JOBCONTROL_LISTEN", "50051"),
    ("JOBCONTROL_TOKEN", "fifteen-letters"),
    ("JOBCONTROL_TOKEN", "not a word, though long"),
    ("JOBCONTROL_DATABASE_URL", "mysql://localhost/jobs"),
    ("JOBCONTROL_LEASE_SECONDS", "1"),
    ("DATABASE_URL", "postgresql+asyncpg://localhost/jobs"),
    ("REDIS_PORT", "70000"),
    ("REDIS_DB", "-1"),
    ("JOB_MAX_ATTEMPTS", "21"),
    ("JOB_BACKOFF_TYPE", "linear"),
    ("JOB_BACKOFF_DELAY", "1s"),
    ("JOB_CONCURRENCY_DECOMPOSE", "0"),
    ("JOB_CONCURRENCY_GENERATE_KU", "0"),
    ("JOB_RATE_LIMIT_MAX", "0"),
    ("JOB_RATE_LIMIT_MAX", "1001"),
    ("JOB_RATE_LIMIT_DURATION", "9"),
]
DATABASES = [
    ("postgres://ada@db/jobs", "postgresql+psycopg://ada@db/jobs"),
    ("postgresql://ada@db/jobs", "postgresql+psycopg://ada@db/jobs"),
    ("postgresql+psycopg://ada@db/jobs", "postgresql+psycopg://ada@db/jobs"),
    ("sqlite:///jobs.db", "sqlite+pysqlite:///jobs.db"),
    ("sqlite+pysqlite:////var/jobs.db", "sqlite+pysqlite:////var/jobs.db"),
]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's own settings."""
    for variable in environment_with():
        if variable.startswith(("JOBCONTROL_", "JOB_", "REDIS_", "DATABASE_")):
            monkeypatch.delenv(variable)


@pytest.mark.parametrize(("variable", "given", "name", "value"), FIRST_DESIGN)
def test_a_variable_of_the_first_design_sets_its_value(
    variable: str, given: str, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, given)
    assert getattr(Settings.load(), name) == value


@pytest.mark.parametrize(("variable", "given"), REFUSED)
def test_what_cannot_be_used_is_told_in_one_line_that_names_the_variable(
    variable: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    assert re.search(rf"(?<![A-Z_]){variable}", str(refused.value))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        ({"rate_limit_max": 30, "rate_limit_duration": 1_000}, (30, 1.0)),
        ({"rate_limit_max": 30}, (30, 60.0)),
        ({"rate_limit_duration": 1_000}, (10, 1.0)),
    ],
)
def test_a_rate_is_one_for_each_queue_that_calls_the_generator(given: dict[str, int], rate: tuple[int, float]) -> None:
    assert Settings.load(**given).rate_by_queue == {"decompose-concept": rate, "generate-ku": rate}


def test_nothing_has_to_be_set() -> None:
    settings = Settings.load()
    assert settings.database_url == "sqlite+pysqlite:///.jobcontrol/jobcontrol.db"
    assert settings.redis == "redis://localhost:6379/0"
    assert settings.rate_by_queue == {}
    assert (settings.heartbeat_seconds, settings.lease_seconds, settings.drain_seconds) == (3.0, 10.0, 25.0)
    assert settings.concurrency_by_queue == {}


@pytest.mark.parametrize("variable", [name for name, *_ in FIRST_DESIGN] + [name for name, _ in REFUSED])
def test_an_empty_variable_counts_as_unset(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = Settings.load()
    monkeypatch.setenv(variable, "")
    assert Settings.load() == unset


@pytest.mark.parametrize("variable", ["JOBCONTROL_DATABASE_URL", "DATABASE_URL"])
@pytest.mark.parametrize(("given", "url"), DATABASES)
def test_a_database_url_names_the_driver_that_comes_with_us(
    variable: str, given: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, given)
    assert Settings.load().database_url == url


def test_our_own_name_of_a_url_goes_before_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, url in (("DATABASE_URL", "sqlite:///theirs.db"), ("REDIS_URL", "redis://theirs:1/0")):
        monkeypatch.setenv(variable, url)
        monkeypatch.setenv(f"JOBCONTROL_{variable}", url.replace("theirs", "ours"))
    settings = Settings.load()
    assert settings.database_url == "sqlite+pysqlite:///ours.db"
    assert settings.redis == "redis://ours:1/0"


def test_a_redis_url_goes_before_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "elsewhere")
    monkeypatch.setenv("REDIS_URL", "rediss://hosted:6380/1")
    assert Settings.load().redis == "rediss://hosted:6380/1"


def test_the_four_parts_of_a_redis_address_make_its_url() -> None:
    settings = Settings.load(redis_host="redis.internal", redis_port=6380, redis_password="secret", redis_db=2)
    assert settings.redis == "redis://:secret@redis.internal:6380/2"


def test_a_password_may_hold_any_character() -> None:
    redis = pytest.importorskip("redis")
    settings = Settings.load(redis_host="h", redis_password="p@ss:/w?rd#1%20")
    client = redis.Redis.from_url(settings.redis)
    told = client.connection_pool.connection_kwargs
    assert (told["host"], told["password"], told["db"]) == ("h", "p@ss:/w?rd#1%20", 0)


def test_passwords_and_tokens_are_not_shown() -> None:
    assert "secret" not in repr(Settings.load(redis_password="secret", token="secret-secret-secret"))


def test_the_concurrency_of_the_first_designs_queues_goes_before_the_pipelines_own() -> None:
    settings = Settings.load(concurrency_decompose=4, concurrency_generate_ku=6)
    assert settings.concurrency_by_queue == {"decompose-concept": 4, "generate-ku": 6}


def test_a_lease_lasts_at_least_two_heartbeats() -> None:
    Settings.load(heartbeat_seconds=1, lease_seconds=2)
    with pytest.raises(SettingsError, match="at least twice JOBCONTROL_HEARTBEAT_SECONDS"):
        Settings.load(heartbeat_seconds=1, lease_seconds=1.9)


def test_the_environment_of_a_process_is_ours_with_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "ours")
    environment = environment_with(REDIS_PORT="1")
    assert (environment["REDIS_HOST"], environment["REDIS_PORT"]) == ("ours", "1")

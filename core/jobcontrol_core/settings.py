"""The settings of servers and workers, read from the environment once, here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEFAULT_DATABASE = "sqlite+pysqlite:///.jobcontrol/jobcontrol.db"
#: Instead of an address: nothing listens.
HTTP_OFF = "off"
#: RFC 6454, 6.2: scheme, host in lower case, and a port where it is not the scheme's own; no path.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.\[\]:_-]+")
#: Queues of the first design whose concurrency has a setting of its own.
DECOMPOSE_QUEUE = "decompose-concept"
GENERATE_QUEUE = "generate-ku"


class SettingsError(Exception):
    """A setting that cannot be used; the sentence names the variable and the way out."""


class Settings(BaseSettings):
    """Every setting, its default and its unit. `load` reads the environment; keyword arguments are for tests."""

    # An empty variable counts as unset: that is how compose files pass on what nobody has set.
    model_config = SettingsConfigDict(
        env_prefix="JOBCONTROL_", env_ignore_empty=True, populate_by_name=True, extra="ignore", frozen=True
    )

    database_url: str = Field(
        DEFAULT_DATABASE, validation_alias=AliasChoices("JOBCONTROL_DATABASE_URL", "DATABASE_URL", "database_url")
    )
    redis_url: str = Field("", validation_alias=AliasChoices("JOBCONTROL_REDIS_URL", "REDIS_URL", "redis_url"))
    redis_host: str = Field("localhost", validation_alias="REDIS_HOST")
    redis_port: int = Field(6379, validation_alias="REDIS_PORT", ge=1, le=65535)
    redis_password: str = Field("", validation_alias="REDIS_PASSWORD", repr=False)
    redis_db: int = Field(0, validation_alias="REDIS_DB", ge=0)

    #: host:port of gRPC.
    listen: str = "127.0.0.1:50051"
    #: host:port of REST; `off` for none.
    http: str = "127.0.0.1:8080"
    #: Origins whose pages may call REST, as browsers send them, or `*` for all; separated by commas in the environment.
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    #: host:port of the server that `jobctl gateway` serves over REST.
    server: str = "localhost:50051"
    #: What every call to the server must say, and the SDK and the CLI do say. Empty = anybody may call.
    token: str = Field("", repr=False)
    #: Watch streams that one server serves at once.
    max_watchers: int = Field(10_000, ge=1)

    #: Processes that one `jobctl worker` runs.
    worker_processes: int = Field(2, ge=1, le=64)
    #: Steps of any kind that one worker process runs at once.
    worker_slots: int = Field(50, ge=1, le=1_000)
    #: Seconds between two renewals of a worker's lease, and how long a lease lasts.
    heartbeat_seconds: float = Field(3.0, gt=0)
    lease_seconds: float = Field(10.0, gt=0)
    #: Days that the history of an ended job is kept: its events, logs, attempts and checkpoints. None = for ever.
    history_days: float | None = Field(None, gt=0)
    #: Days that an ended job is kept at all, with its steps, results and dead letters. None = for ever.
    jobs_days: float | None = Field(None, gt=0)
    #: Seconds between two turns of the dispatcher's loops.
    dispatch_seconds: float = Field(1.0, gt=0)
    #: Seconds that running steps get to stop when their job is cancelled or fails; then they end all the same.
    stop_grace_seconds: float = Field(10.0, ge=0)
    #: Seconds that running steps get to end after SIGTERM.
    drain_seconds: float = Field(25.0, ge=0)

    concurrency_decompose: int | None = Field(None, validation_alias="JOB_CONCURRENCY_DECOMPOSE", ge=1)
    concurrency_generate_ku: int | None = Field(None, validation_alias="JOB_CONCURRENCY_GENERATE_KU", ge=1)
    max_attempts: int | None = Field(None, validation_alias="JOB_MAX_ATTEMPTS", ge=1, le=20)
    backoff_type: Literal["exponential", "fixed"] | None = Field(None, validation_alias="JOB_BACKOFF_TYPE")
    #: Milliseconds, as in the first design.
    backoff_delay: int | None = Field(None, validation_alias="JOB_BACKOFF_DELAY", ge=0)
    #: Steps of each of the two queues above that may start within so many milliseconds, on all workers together.
    rate_limit_max: int | None = Field(None, validation_alias="JOB_RATE_LIMIT_MAX", ge=1, le=1_000)
    rate_limit_duration: int | None = Field(None, validation_alias="JOB_RATE_LIMIT_DURATION", ge=10, le=86_400_000)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """The settings of this process's environment. Raises SettingsError, one line naming the variable."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, url: str) -> str:
        for plain, driven in (("postgres", "postgresql+psycopg"), ("sqlite", "sqlite+pysqlite")):
            url = re.sub(rf"^{plain}(ql)?://", f"{driven}://", url)
        if not url.startswith(("postgresql+psycopg://", "sqlite+pysqlite://")):
            raise ValueError("must be a postgresql:// or sqlite:/// URL")
        return url

    @field_validator("listen", "server")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        if not _is_address(address):
            raise ValueError("must be host:port, for example 127.0.0.1:50051")
        return address

    @field_validator("http")
    @classmethod
    def _host_and_port_or_off(cls, address: str) -> str:
        if address != HTTP_OFF and not _is_address(address):
            raise ValueError(f"must be host:port, for example 127.0.0.1:8080, or {HTTP_OFF}")
        return address

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _as_browsers_send_them(cls, given: str | Iterable[str]) -> tuple[str, ...]:
        listed = given.split(",") if isinstance(given, str) else given
        origins = tuple(origin for text in listed if (origin := text.strip()))
        if wrong := [origin for origin in origins if origin != "*" and not _ORIGIN.fullmatch(origin)]:
            raise ValueError(f"{wrong[0]} is no origin; give scheme and host, for example https://app.example, or *")
        return origins

    @field_validator("token")
    @classmethod
    def _of_a_header(cls, token: str) -> str:
        # It travels in a header, and nothing slows down whoever tries to guess it.
        if token and not re.fullmatch(r"[!-~]{16,}", token):
            raise ValueError(
                "must have at least 16 characters, ASCII without spaces, for example from: openssl rand -hex 32"
            )
        return token

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ValueError("JOBCONTROL_LEASE_SECONDS must be at least twice JOBCONTROL_HEARTBEAT_SECONDS")
        return self

    @property
    def redis(self) -> str:
        """The Redis URL: given whole, or put together from the first design's four parts."""
        if self.redis_url:
            return self.redis_url
        secret = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{secret}{self.redis_host}:{self.redis_port}/{self.redis_db}"

    @property
    def concurrency_by_queue(self) -> dict[str, int]:
        """Concurrency per process that overrides the pipeline's own, by queue."""
        given = {DECOMPOSE_QUEUE: self.concurrency_decompose, GENERATE_QUEUE: self.concurrency_generate_ku}
        return {queue: value for queue, value in given.items() if value is not None}

    @property
    def rate_by_queue(self) -> dict[str, tuple[int, float]]:
        """Starts, and within how many seconds, that override the pipeline's own rate, by queue."""
        if self.rate_limit_max is None and self.rate_limit_duration is None:
            return {}
        # Whoever sets one of the two means the first design's other.
        rate = (self.rate_limit_max or 10, (self.rate_limit_duration or 60_000) / 1000)
        return dict.fromkeys((DECOMPOSE_QUEUE, GENERATE_QUEUE), rate)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and int(port) <= 65535


def crash_fuses() -> Path | None:
    """Where tests lay the fuses of crash points. A switch of theirs, and no setting: None unless they set it."""
    directory = os.environ.get("JOBCONTROL_CRASH_FUSES", "")
    return Path(directory) if directory else None


def environment_with(**variables: str) -> dict[str, str]:
    """This process's environment with `variables` set, for a process that it starts."""
    return {**os.environ, **variables}


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{_variable(str(first['loc'][0]))}: {message}" if first["loc"] else message


def _variable(told: str) -> str:
    """The variable that was read, told by its field's name or by the first of its field's aliases."""
    if told in Settings.model_fields:
        return f"JOBCONTROL_{told.upper()}"
    for field in Settings.model_fields.values():
        choices = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else []
        if told in choices:
            return next((str(choice) for choice in choices if os.environ.get(str(choice))), told)
    return told

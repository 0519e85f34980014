"""Connections to Redis that fail fast: a lost Redis must never hold anybody up."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

#: Everything that a lost, hung or wiped Redis raises.
LOST = (RedisError, OSError)

#: A push or a doorbell takes this long, or is dropped.
PROMPT_SECONDS = 0.2


def connect(url: str, *, timeout: float = PROMPT_SECONDS) -> redis.Redis:
    """A client with a pool of its own, whose calls end within `timeout` seconds each and are not retried."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )

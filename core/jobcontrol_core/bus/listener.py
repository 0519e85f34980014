"""The listener: one subscription per process, for as long as Redis is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from jobcontrol_core.bus.connection import LOST, connect

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
RETRY_SECONDS = 0.5
#: A Redis that answered nothing for this long is taken for lost, though its connection stands.
SILENCE_SECONDS = 2.0


class Listener:
    """Calls `on_message(text)` on its own thread for every message of a channel.

    Messages are lost while Redis is; `is_connected` says when to look for oneself instead.
    """

    def __init__(self, url: str, channel: str, on_message: Callable[[str], None]) -> None:
        self._url = url
        self._channel = channel
        self._on_message = on_message
        self._is_closed = threading.Event()
        self._is_connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listener-{channel}", daemon=True)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        return self._is_connected.is_set()

    def close(self) -> None:
        """Stop listening."""
        self._is_closed.set()
        self._thread.join(timeout=2 * POLL_SECONDS)

    def _run(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._listen()
            except LOST as error:
                if self._is_connected.is_set():
                    log.warning("subscription_lost", channel=self._channel, error=str(error))
            self._is_connected.clear()
            self._is_closed.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        connection = connect(self._url, timeout=SILENCE_SECONDS)
        with connection, connection.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(self._channel)
            heard_at = time.monotonic()
            while not self._is_closed.is_set():
                message = subscription.get_message(timeout=POLL_SECONDS)
                if message is not None:
                    heard_at = time.monotonic()
                    self._hear(message)
                elif time.monotonic() - heard_at > SILENCE_SECONDS:
                    raise TimeoutError("no answer")
                else:
                    subscription.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._is_connected.set()
        elif message["type"] == "message":
            try:
                self._on_message(message["data"].decode())
            except Exception:
                # Anybody may publish anything; the next message is heard all the same.
                log.exception("message_not_understood", channel=self._channel)

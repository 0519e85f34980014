"""Logs: one event a line, its name and its fields, to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

Event = MutableMapping[str, Any]


def configure_logs(program: str, *, is_verbose: bool = False) -> None:
    """`program` says on each line who speaks. From information upwards, or everything."""
    renderer: structlog.typing.Processor = structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "program", "event"], bool_as_flag=False
    )
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(pad_event_to=22)

    def say_who(_logger: object, _method: str, event: Event) -> Event:
        return {**event, "program": program}

    structlog.configure(
        processors=[
            say_who,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if is_verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

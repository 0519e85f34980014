"""Ids: UUIDv7 (RFC 9562), which sort by the millisecond of their making."""

from __future__ import annotations

import os
import time
import uuid

SHORT_ID_LENGTH = 8
#: Hex digits and dashes before the version digit: the 48 bits of time.
TIME_PREFIX_LENGTH = 14


def new_id() -> str:
    """A new UUIDv7 in its 36 character form."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def short_id(full_id: str) -> str:
    """The last eight characters, which people read and type: the first eight are a clock."""
    return full_id[-SHORT_ID_LENGTH:]

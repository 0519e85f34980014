"""What a test needs and this machine lacks: skipped on a laptop with the command that brings it, a failure in CI."""

import os
import re
from collections import Counter
from typing import NoReturn

import pytest

_REASON = re.compile(r"(?P<service>.+) is missing; it comes with: (?P<command>.+)", re.DOTALL)


def missing(service: str, brings: str) -> NoReturn:
    """Give the running test up because `service` is not here; `brings` is the one command that brings it.

    With CI=true nothing may be missing, so there the test fails instead of being skipped.
    """
    reason = f"{service} is missing; it comes with: {brings}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true allows no missing service)", pytrace=False)
    pytest.skip(reason)


def skip_lines(reasons: list[str]) -> list[str]:
    """One line per different reason among those of the skipped tests, the most frequent first."""
    counted = Counter(reason.removeprefix("Skipped: ") for reason in reasons)
    return [_skip_line(reason, count) for reason, count in counted.most_common()]


def _skip_line(reason: str, count: int) -> str:
    tests = "1 test" if count == 1 else f"{count} tests"
    found = _REASON.fullmatch(reason)
    if found is None:
        return f"{tests}: {reason}"
    return f"{tests}: {found['service']} is missing. To bring it: {found['command']}"

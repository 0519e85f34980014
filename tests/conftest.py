"""What every shelf shares: the services behind the tests, and the closing list of what was skipped."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from services.absence import skip_lines

pytest_plugins = ["services.postgres", "services.valkey"]

# The profiles of whoever runs the tests are none of their business, nor of the processes that they start.
os.environ["XDG_CONFIG_HOME"] = "/nonexistent"

# How long an example takes says something about the machine, not about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """End the run with what was skipped and the one command that brings each missing thing."""
    yield
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]
    terminalreporter.section("skipped")
    for line in skip_lines(reasons) or ["nothing"]:
        terminalreporter.write_line(line)

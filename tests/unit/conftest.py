"""What the unit tests of the command line share."""

from pathlib import Path

import pytest

from unit.shell import Shell


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("JOBCONTROL_SERVER", "JOBCONTROL_TOKEN", "JOBCONTROL_PROFILE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return Shell(capsys, tmp_path)

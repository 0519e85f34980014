"""The Dockerfile builds what pyproject.toml describes, from the locks, and runs it as nobody in particular."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from docs.deployment import instructions
from house.settings_names import every_name
from house.source_tree import ROOT, files, read
from jobcontrol_core.settings import Settings

PYPROJECT = tomllib.loads(read(Path("pyproject.toml")))
PACKAGES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
BUILD, FINAL = 0, -1


def copied() -> set[str]:
    """What the build stage takes from the repository."""
    return {source for copy in instructions("COPY", BUILD) for source in copy.words()[:-1]}


def test_the_build_stage_takes_every_room_and_only_what_exists() -> None:
    assert {Path(package).parts[0] for package in PACKAGES} <= copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_everything_copied_passes_the_dockerignore() -> None:
    admitted = {line[1:] for line in read(Path(".dockerignore")).splitlines() if line.startswith("!")}
    assert admitted == copied()


def test_dependencies_come_from_the_locks_by_hash() -> None:
    installs = [step for run in instructions("RUN", BUILD) for step in run.rest.split("&&") if "pip install" in step]
    unlocked = [step for step in installs if "--require-hashes" not in step and "--no-deps /dist/" not in step]
    assert unlocked == []
    assert any("requirements.lock" in step for step in installs)


def test_the_container_runs_without_root_and_starts_our_command() -> None:
    (user,), (entrypoint,), (command,) = (instructions(word, FINAL) for word in ("USER", "ENTRYPOINT", "CMD"))
    assert int(user.rest) > 0
    assert entrypoint.words()[0] in PYPROJECT["project"]["scripts"]
    assert command.words() == ["server"]


def test_the_ports_are_those_that_the_server_listens_on_by_default() -> None:
    ports = {name: Settings.model_fields[name].default.rpartition(":")[2] for name in ("listen", "http")}
    (exposed,) = instructions("EXPOSE", FINAL)
    (listening,) = [line.rest for line in instructions("ENV", FINAL) if "JOBCONTROL_LISTEN=" in line.rest]
    assert exposed.words() == list(ports.values())
    assert listening.split() == [f"JOBCONTROL_{name.upper()}=0.0.0.0:{port}" for name, port in ports.items()]


def test_every_setting_of_the_image_is_read_by_the_code() -> None:
    set_here = {word.partition("=")[0] for line in instructions("ENV", FINAL) for word in line.words()}
    assert {name for name in set_here if name.startswith("JOB")} <= every_name()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built with the command of the Dockerfile."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(target), str(ROOT)], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_file_of_every_package_and_no_other_code(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    ours = {
        str(path.relative_to(Path(package).parent))
        for package in PACKAGES
        for path in files()
        if Path(package) in path.parents
    }
    assert inside == ours


def test_the_wheel_brings_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "jobctl = jobcontrol.cli:main" in wheel.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())

"""Sets an environment up: a venv with what a lock names; that of development holds this project, too, editable."""

import shutil
import subprocess
import sys
from pathlib import Path

DEVELOPMENT = "requirements-dev.lock"
FAILED = (
    "error: {} could not be installed; the lines above say why (a network is needed once, and wheels for Python {})"
)


def main() -> None:
    """Bring the environment named on the command line up to the lock named there; what is already right stays."""
    target, lock = Path(sys.argv[1]), sys.argv[2]
    python = target / "bin" / "python"
    if not works(python):
        run([sys.executable, "-m", "venv", "--clear", str(target)], "the environment")
    install = installer(python)
    # The lock names everything. Asked to look for more, pip weighs a newer release for "coverage[toml]", say, than
    # the one that is locked, and then refuses it because it has no hash.
    run([*install, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lock], lock)
    if lock == DEVELOPMENT:
        run([*install, "--no-deps", "--no-build-isolation", "-e", "."], "this project")


def works(python: Path) -> bool:
    """Whether the environment is there and its interpreter still runs (one that was upgraded away does not)."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0


def installer(python: Path) -> list[str]:
    """uv where it is on PATH, pip otherwise."""
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--quiet"]


def run(command: list[str], what: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(FAILED.format(what, sys.version.split()[0]))


if __name__ == "__main__":
    main()

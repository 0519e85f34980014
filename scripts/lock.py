"""Writes requirements*.lock: every dependency's version with the hashes of all its files, for all platforms at once."""

import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

HEADER = "# Written by `make lock` from pyproject.toml; every hash of each release, so that it serves all platforms.\n"
OPTIONS = ["--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--upgrade", "--quiet"]


def main() -> None:
    """Resolve with uv: the one on PATH, or one in an environment that is thrown away afterwards."""
    pyproject = tomllib.loads(Path("pyproject.toml").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        uv = shutil.which("uv") or install_uv(Path(scratch))
        backend = Path(scratch, "build.in")
        backend.write_text("\n".join(pyproject["build-system"]["requires"]))
        oldest = pyproject["project"]["requires-python"].removeprefix(">=")
        command = [uv, "--no-config", "pip", "compile", *OPTIONS, "--python-version", oldest]
        resolve([*command, "pyproject.toml", "--extra", "server"], "requirements.lock")
        resolve([*command, "pyproject.toml", "--extra", "server", "--group", "dev"], "requirements-dev.lock")
        resolve([*command, "--group", "client"], "requirements-client.lock")
        resolve([*command, str(backend), "--no-annotate"], "requirements-build.lock")


def install_uv(scratch: Path) -> str:
    venv.create(scratch / "venv", with_pip=True)
    subprocess.run([scratch / "venv/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return str(scratch / "venv/bin/uv")


def resolve(command: list[str], lock: str) -> None:
    resolved = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    Path(lock).write_text(HEADER + resolved)
    sys.stdout.write(f"{lock} written\n")


if __name__ == "__main__":
    main()

"""Set-up's first step: says in one line what this machine lacks. Written so that any Python 3 can run it."""

import importlib.util
import platform
import sys

OLDEST_PYTHON = (3, 11)
OLDEST_GLIBC = (2, 28)
MACHINES = ("x86_64", "amd64", "aarch64", "arm64")


def find_lack() -> "str | None":
    """The first thing missing, as one line that says how to get it; None when nothing is."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        found = "{}.{}".format(*sys.version_info[:2])
        return f"Python 3.11 or newer is needed, {sys.executable} is {found}; choose another: make PYTHON=python3.12"
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            package = "python{}.{}-venv".format(*sys.version_info[:2])
            return f"the Python module {module} is missing; on Debian and Ubuntu: apt-get install {package}"
    return find_wheel_lack(sys.platform, platform.machine(), platform.libc_ver())


def find_wheel_lack(system: str, machine: str, libc: "tuple[str, str]") -> "str | None":
    """What keeps the binary wheels from installing here, or None."""
    if system not in ("linux", "darwin"):
        return f"jobcontrol runs on Linux and macOS, not on {system}; use WSL or a container"
    if machine.lower() not in MACHINES:
        return f"there are no binary wheels for {machine}; they exist for x86_64 and aarch64"
    if system == "linux":
        name, version = libc
        if name != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < OLDEST_GLIBC:
            return "the binary wheels need glibc 2.28 or newer, this is {} {}".format(name or "another libc", version)
    return None


def main() -> None:
    lack = find_lack()
    if lack is not None:
        sys.exit("error: " + lack)


if __name__ == "__main__":
    main()

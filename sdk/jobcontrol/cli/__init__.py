"""The command jobctl. Typer and rich load when it runs, not when the SDK is imported."""

import sys


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    from jobcontrol.cli.app import run, tell_defect

    sys.excepthook = tell_defect
    sys.exit(run(sys.argv[1:]))

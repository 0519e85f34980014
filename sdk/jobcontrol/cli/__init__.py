"""The command jobctl. Typer and rich load when it runs, not when the SDK is imported."""

import sys


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    from jobcontrol.cli.app import answer, run, tell_defect
    from jobcontrol.cli.completions import ASK

    if sys.argv[1:2] == [ASK]:
        answer(sys.argv[2:])
    sys.excepthook = tell_defect
    sys.exit(run(sys.argv[1:]))

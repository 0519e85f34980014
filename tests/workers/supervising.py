"""A supervisor as a program of its own: `python -m workers.supervising TARGET...`, which loads no target itself."""

import sys

from jobcontrol_core.logs import configure_logs
from jobcontrol_core.settings import Settings
from jobcontrol_workers.supervisor import Supervisor


def main() -> None:
    configure_logs("worker")
    sys.exit(Supervisor(Settings.load(), sys.argv[1:]).run())


if __name__ == "__main__":
    main()

"""`python -m jobcontrol.cli` is jobctl."""

from jobcontrol.cli import main

main()

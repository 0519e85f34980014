"""`jobctl dev`: everything in one command, on an embedded default, kept in one directory."""

from jobcontrol_workers.dev.stack import DevError, DevOptions, run_dev

__all__ = ["DevError", "DevOptions", "run_dev"]

"""The command that runs a server; it joins `jobctl` by entry point."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def server(
    listen: Annotated[str, typer.Option(help="host:port of gRPC; port 0 takes a free one.")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is of use to developers, too.")] = False,
) -> None:
    """Run a server until SIGTERM or Ctrl+C, which lets the calls under way end first."""
    import asyncio

    from jobcontrol_core.domain.errors import Unavailable
    from jobcontrol_core.logs import configure_logs
    from jobcontrol_core.settings import Settings, SettingsError
    from jobcontrol_core.store.schema import NotMigrated
    from jobcontrol_server.addresses import AddressTaken
    from jobcontrol_server.app import serve

    configure_logs("server", is_verbose=verbose)
    try:
        asyncio.run(serve(Settings.load(**({"listen": listen} if listen else {}))))
    except (SettingsError, AddressTaken, NotMigrated, Unavailable) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)

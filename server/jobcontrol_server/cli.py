"""The commands that run a server and a gateway; they join `jobctl` by entry point."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobcontrol_core.settings import Settings

Http = Annotated[str, typer.Option(help="host:port of REST, or off; port 0 takes a free one.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what is of use to developers, too.")]


def server(
    listen: Annotated[str, typer.Option(help="host:port of gRPC; port 0 takes a free one.")] = "",
    http: Http = "",
    verbose: Verbose = False,
) -> None:
    """Run a server, with REST beside gRPC, until SIGTERM or Ctrl+C, which lets the calls under way end first."""
    from jobcontrol_server.app import serve

    _run("server", serve, {"listen": listen, "http": http}, is_verbose=verbose)


def gateway(
    grpc: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The server to call; JOBCONTROL_SERVER if not given.")
    ] = "",
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to serve; port 0 takes a free one.")] = "",
    verbose: Verbose = False,
) -> None:
    """Serve REST for a server that runs elsewhere, until SIGTERM or Ctrl+C."""
    from jobcontrol_server.rest.process import serve_gateway

    _run("gateway", serve_gateway, {"server": grpc, "http": http}, is_verbose=verbose)


def _run(
    program: str, serve: Callable[[Settings], Awaitable[None]], given: dict[str, str], *, is_verbose: bool
) -> None:
    """Run until it is told to stop; what keeps it from starting is one line, with exit code 1."""
    from jobcontrol_core.domain.errors import Unavailable
    from jobcontrol_core.logs import configure_logs
    from jobcontrol_core.settings import Settings, SettingsError
    from jobcontrol_core.store.schema import NotMigrated
    from jobcontrol_server.addresses import AddressTaken

    async def run() -> None:
        await serve(Settings.load(**{name: value for name, value in given.items() if value}))

    configure_logs(program, is_verbose=is_verbose)
    try:
        asyncio.run(run())
    except (SettingsError, AddressTaken, NotMigrated, Unavailable) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)

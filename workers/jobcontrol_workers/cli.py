"""The commands that run and prepare workers; they join `jobctl` by entry point."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import typer

Targets = Annotated[
    list[str] | None, typer.Argument(help="Pipelines as module:attribute; the built-in ones if none is named.")
]


def worker(
    targets: Targets = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is of use to developers, too.")] = False,
) -> None:
    """Run worker processes until SIGTERM or Ctrl+C, which lets running steps end first."""
    from jobcontrol_core.logs import configure_logs
    from jobcontrol_core.settings import Settings
    from jobcontrol_core.store.engine import Store
    from jobcontrol_core.store.schema import require_tables
    from jobcontrol_workers.preparation import publish
    from jobcontrol_workers.registry import Registry, load_pipelines
    from jobcontrol_workers.supervisor import Supervisor

    configure_logs("worker", is_verbose=verbose)
    with _plain_errors():
        settings = Settings.load()
        store = Store(settings.database_url)
        store.read(require_tables)
        publish(store, Registry(load_pipelines(targets or []), settings))
        store.close()
        sys.exit(Supervisor(settings, targets or []).run())


def migrate(targets: Targets = None) -> None:
    """Bring the database up to this release's tables and publish the pipelines. Doing it again does no harm."""
    from jobcontrol_core.settings import Settings
    from jobcontrol_workers.preparation import prepare_database

    with _plain_errors():
        prepare_database(Settings.load().database_url, targets or [])


def dev(
    targets: Targets = None,
    directory: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".jobcontrol"),
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Of gRPC; instead of JOBCONTROL_LISTEN.")] = "",
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help="Of REST, or off; instead of JOBCONTROL_HTTP.")] = "",
    redis: Annotated[str, typer.Option(help="URL of a Redis to use in place of the embedded one.")] = "",
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing when it stops.")] = False,
) -> None:
    """Run server, workers and an embedded Valkey in one command; start it again and every build goes on."""
    from jobcontrol_core.logs import configure_logs
    from jobcontrol_core.settings import Settings
    from jobcontrol_workers.dev import DevOptions, run_dev

    configure_logs("dev")
    with _plain_errors():
        chosen = {name: address for name, address in (("listen", listen), ("http", http)) if address}
        settings = Settings.load(**chosen)
        with ExitStack() as kept:
            if ephemeral:
                directory = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="jobcontrol-")))
            run_dev(DevOptions(directory, settings.listen, settings.http, redis, tuple(targets or ())))


class _plain_errors:
    """What a user can mend is told in one line, with exit code 1."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from jobcontrol.pipeline import DefinitionError
        from jobcontrol_core.domain.errors import Unavailable
        from jobcontrol_core.settings import SettingsError
        from jobcontrol_core.store.pipelines import PublishedDifferently
        from jobcontrol_core.store.schema import NotMigrated
        from jobcontrol_workers.dev import DevError
        from jobcontrol_workers.registry import PipelineMissing

        refusals = (SettingsError, DevError, PipelineMissing, PublishedDifferently, DefinitionError, NotMigrated)
        if isinstance(error, (*refusals, Unavailable)):
            _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"error: {sentence}", err=True)
    sys.exit(1)

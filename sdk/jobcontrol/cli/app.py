"""The command line as a whole: its commands, the options of all of them, and one exit code for a run."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NoReturn, cast, get_args

import typer
import typer.main
from typer.exceptions import Exit, TyperException

from jobcontrol._requests import invalid
from jobcontrol._settings import ClientSettings, read_settings
from jobcontrol.cli import building, completing, dead, exporting, operating, profiles, queues, reading, steering
from jobcontrol.cli.advice import error_line
from jobcontrol.cli.arguments import command_index, hoist
from jobcontrol.cli.completions import completion
from jobcontrol.cli.doctor import doctor
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.cli.plugins import add_plugins, plugin_names
from jobcontrol.cli.session import Connect, Session
from jobcontrol.client import Client
from jobcontrol.display import Mode
from jobcontrol.errors import JobControlError

COMMANDS: dict[str, Callable[..., int]] = {
    "start": building.start,
    "watch": building.watch,
    "wait": building.wait,
    "list": reading.list_jobs,
    "get": reading.get,
    "steps": reading.steps,
    "logs": operating.logs,
    "result": reading.result,
    "cancel": steering.cancel,
    "pause": steering.pause,
    "resume": steering.resume,
    "retry": steering.retry,
    "pipelines": reading.pipelines,
    "explain": operating.explain,
    "workers": operating.workers,
    "stats": operating.stats,
    "doctor": doctor,
    "config": profiles.config,
    "export": exporting.export,
    "completion": completion,
    "version": reading.version,
}
GROUPS: dict[str, tuple[str, dict[str, Callable[..., int]]]] = {
    "profile": (
        "Servers that are known by name.",
        {"list": profiles.list_profiles, "add": profiles.add, "use": profiles.use, "remove": profiles.remove},
    ),
    "queues": (
        "Queues: what waits in each, paused or limited for all workers together.",
        {"list": queues.list_queues, "pause": queues.pause, "resume": queues.resume, "limit": queues.limit},
    ),
    "dead": (
        "Steps that failed for good.",
        {
            "list": dead.list_letters,
            "show": dead.show,
            "groups": dead.list_groups,
            "requeue": dead.requeue,
            "discard": dead.discard,
        },
    ),
}
EPILOG = (
    "Exit codes: 0 completed, 1 failed, 2 usage, 3 completed with failed steps, 4 cancelled, 5 not found, 6 conflict, \
7 not allowed, 8 no server, 124 timeout, 130 Ctrl+C."
)


def connect(settings: ClientSettings) -> Client:
    """A client that connects with its first call."""
    server, token, profile = settings.server or None, settings.token or None, settings.profile or None
    return Client(server, token=token, tls=settings.tls, profile=profile)


def run(argv: Sequence[str], connect: Connect = connect) -> int:
    """Run one command line; everything that can go wrong is one line on stderr and an exit code."""
    try:
        return _invoke(argv, connect)
    except JobControlError as error:
        _complain(error_line(error))
        logging.getLogger("jobcontrol").debug("caused by", exc_info=error)
        return code_of_error(error)
    except TyperException as error:
        _complain(f"error: {_usage_line(error)}")
        return ExitCode.USAGE
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return ExitCode.BROKEN_PIPE
    except SystemExit as leaving:
        # typer answers a broken pipe by leaving with 1, which would tell of a job that failed.
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        _silence_stdout()
        return ExitCode.BROKEN_PIPE


def answer(words: Sequence[str], connect: Connect = connect) -> NoReturn:
    """Offer a shell what may come next, and end."""
    completing.answer_shell(words, typer.main.get_command(application([])), connect)
    # A connection that is still being made is not waited for.
    os._exit(ExitCode.COMPLETED)


def _invoke(argv: Sequence[str], connect: Connect) -> int:
    given = hoist(argv, [*COMMANDS, *GROUPS])
    command = typer.main.get_command(application(given))
    try:
        code = command.main(given or ["--help"], prog_name="jobctl", standalone_mode=False, obj=connect)
    except Exit as leaving:
        code = leaving.exit_code
    sys.stdout.flush()
    return code if isinstance(code, int) else ExitCode.COMPLETED


def application(argv: Sequence[str]) -> typer.Typer:
    """All commands, with those of other packages that a run of `argv` may need; without any, all of them."""
    app = typer.Typer(
        name="jobctl",
        help="Start, watch and steer long fanned-out builds.",
        epilog=EPILOG,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Markup would take "[server]" of a command to type for a style.
        rich_markup_mode=None,
    )
    app.callback()(open_session)
    for name, command in COMMANDS.items():
        app.command(name, epilog="jobctl --help lists the options of every command.")(command)
    for name, (words, commands) in GROUPS.items():
        app.add_typer(_group(words, commands), name=name)
    index = command_index(argv)
    wanted = None if index is None else argv[index]
    if wanted is None or wanted in plugin_names():
        add_plugins(app, wanted)
    return app


def _group(words: str, commands: dict[str, Callable[..., int]]) -> typer.Typer:
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    for name, command in commands.items():
        group.command(name)(command)
    return group


def open_session(
    context: typer.Context,
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="Instead of JOBCONTROL_SERVER.")] = "",
    token: Annotated[str, typer.Option(metavar="TOKEN", help="Instead of JOBCONTROL_TOKEN.")] = "",
    profile: Annotated[str, typer.Option(metavar="NAME", help="Instead of JOBCONTROL_PROFILE.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object per line on stdout.")] = False,
    fields: Annotated[
        str, typer.Option(metavar="A,B", help="Only these members; tab-separated without --json or --jsonl.")
    ] = "",
    no_color: Annotated[bool, typer.Option("--no-color", help="As NO_COLOR=1.")] = False,
    progress: Annotated[str, typer.Option(metavar="auto|tty|plain|quiet", help="How progress is shown.")] = "auto",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Tell the causes of errors.")] = False,
) -> None:
    """Start, watch and steer long fanned-out builds."""
    if json and jsonl:
        raise invalid("--json", "not together with --jsonl")
    if progress not in get_args(Mode):
        raise invalid("--progress", f"{progress!r} is none of {', '.join(get_args(Mode))}")
    if verbose:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s: %(message)s")
        sys.excepthook = sys.__excepthook__
    settings = _settings(server, token, profile, no_color)
    client = cast(Connect, context.obj)(settings)
    context.call_on_close(client.close)
    context.obj = Session(
        settings=settings,
        client=client,
        mode=cast(Mode, progress),
        json=json,
        jsonl=jsonl,
        fields=_split_fields(fields),
        has_color=settings.is_colored(sys.stdout.isatty()),
    )


def _settings(server: str, token: str, profile: str, no_color: bool) -> ClientSettings:
    """What was typed, and for the rest what the environment says; a profile that was typed wins over its server."""
    known = read_settings()
    return replace(
        known,
        server=server or ("" if profile else known.server),
        token=token or ("" if profile else known.token),
        profile=profile or known.profile,
        wants_no_color=no_color or known.wants_no_color,
    )


def _split_fields(given: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(",")) if given else ()
    if not all(names):
        raise invalid("--fields", f"{given!r} has an empty name; write for example job_id,status")
    return names


def tell_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last resort: an error that nobody expected, in one line that says how to see the rest."""
    where = traceback.extract_tb(trace)[-1] if trace is not None else None
    place = f" at {Path(where.filename).name}:{where.lineno}" if where is not None else ""
    _complain(f"error: {kind.__name__}: {error}{place}; this is a defect of jobctl, and -v shows all of it")


def _usage_line(error: TyperException) -> str:
    message = error.format_message().rstrip(".")
    context = cast(Any, getattr(error, "ctx", None))
    return f"{message}; see {context.command_path} --help" if context is not None else message


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about the pipe once more when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""docs/reference/sdk.md, written from the SDK's own signatures and docstrings: run it after changing one."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jobcontrol
from contract_reference import plain
from jobcontrol import _filters, _requests, errors, pipeline

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "sdk.md"
WIDTH = 96
HEAD = """\
# The Python SDK

*Written from its signatures and docstrings by `scripts/sdk_reference.py`; change them there.*

Everything comes from `jobcontrol`. `Client` blocks, `AsyncClient` is awaited: names, arguments and what is said here
are the same, with `AsyncJob`, `AsyncListing`, `AsyncWatch` and `AsyncBatch` in place of `Job`, `Listing`, `Watch` and
`Batch`. Under `jobcontrol.v1` are the generated messages and stubs of [the contract](api.md), for gRPC itself.
"""
#: Modules of what clients hand out, and nobody makes.
HANDED_OUT = ("job", "batch", "listing", "_paging", "watch")
#: The parts of the page: heading, and the modules whose names stand there.
PARTS = (
    ("Clients", ("client", "_connection", "_profiles", "_grpc_transport", "_channels", "_settings")),
    ("Jobs", HANDED_OUT),
    ("Errors", ("errors",)),
    ("Pipelines and handlers", ("pipeline.definition", "pipeline.context", "pipeline.answers")),
    ("Values", ("values", "_requests")),
    ("Events", ("events",)),
    ("For operators", ("operations",)),
)
ALIASES = MappingProxyType(
    {"DocumentSource": _requests.DocumentSource, "IfRunning": _requests.IfRunning, "Since": _filters.Since}
)
Member = tuple[str, Any]


def reference() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def public() -> dict[str, Any]:
    """Everything that the SDK promises, by name."""
    named = {name: getattr(jobcontrol, name) for name in jobcontrol.__all__}
    return named | {name: getattr(pipeline, name) for name in pipeline.__all__}


def _lines() -> Iterator[str]:
    yield HEAD
    left = public()
    for title, homes in PARTS:
        yield f"## {title}\n"
        if title == "Errors":
            yield f"{_block(_tree(), 'text')}\n"
        for home in homes:
            names = [name for name, value in left.items() if _home_of(value) == home]
            for name in sorted(names, key=lambda name: (name.removeprefix("Async"), name.startswith("Async"))):
                yield from _described(name, left.pop(name))
    yield "## Types in signatures\n"
    yield from (f"- `{name}`: `{_type_words(alias)}`" for name, alias in ALIASES.items())
    yield from (f"- `{name}`: `{value!r}`" for name, value in left.items() if not callable(value))
    if strays := [name for name, value in left.items() if callable(value)]:
        raise SystemExit(f"error: no part of {TARGET.name} takes {', '.join(strays)}")


def _home_of(value: Any) -> str:
    return str(getattr(value, "__module__", "")).removeprefix("jobcontrol.")


def _tree() -> str:
    text = inspect.getdoc(errors) or ""
    return text[text.index("JobControlError\n") :].partition("\n\n")[0]


def _described(name: str, value: Any) -> Iterator[str]:
    yield f"### {name}\n"
    if inspect.isclass(value):
        yield from _class(name, value)
    else:
        yield f"{_block(_signature(name, value))}\n\n{_prose(value)}\n"


def _class(name: str, kind: type[Any]) -> Iterator[str]:
    if is_dataclass(kind):
        yield f"{_block(_fields(kind))}\n"
    elif issubclass(kind, Enum):
        yield f"One of {', '.join(f'`{member.value}`' for member in kind)}.\n"
    elif _is_made_by_users(kind):
        yield f"{_block(_signature(name, kind))}\n"
    yield f"{_prose(kind)}\n"
    yield from (f"- `{name}`: {told}" for name, told in _attribute_docs(kind).items())
    # What is awaited is said once, at its twin.
    if name.startswith("Async"):
        return
    for member, found in _members(kind):
        if isinstance(found, property):
            told = inspect.getdoc(found) or ""
            yield f"- `{member}`: `{_returned(found.fget)}`{'. ' + _one_line(told) if told else ''}"
    yield ""
    for member, found in _members(kind):
        if not isinstance(found, property):
            yield from _method(kind, member, found)


def _is_made_by_users(kind: type[Any]) -> bool:
    is_given = getattr(kind, "_is_protocol", False) or issubclass(kind, errors.JobControlError)
    return inspect.isfunction(kind.__init__) and not is_given and _home_of(kind) not in HANDED_OUT


def _method(kind: type[Any], member: str, found: Any) -> Iterator[str]:
    bound = getattr(kind, member)
    if callable(bound):
        yield f"#### {kind.__name__}.{member}\n\n{_block(_signature(member, bound))}\n\n{_prose(bound)}\n"
    elif told := inspect.getdoc(found):
        yield f"- `{member}`: {_one_line(told)}\n"


def _members(kind: type[Any]) -> Iterator[Member]:
    """What a class adds to what every object has, in the order in which it is written, its own first."""
    known = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("jobcontrol") or (owner is not kind and owner.__name__ in public()):
            continue
        for name, found in vars(owner).items():
            is_value = not callable(found) and not hasattr(found, "__get__")
            if name.startswith("_") or name in known or is_value:
                continue
            known.add(name)
            yield name, found


def _fields(kind: type[Any]) -> str:
    return "\n".join(f"{field.name}: {field.type}" for field in fields(kind))


def _attribute_docs(kind: type[Any]) -> dict[str, str]:
    """The strings that stand under attributes."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        statement.target.id: _one_line(str(after.value.value))
        for statement, after in itertools.pairwise(body.body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters, is_keyword = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword:
            is_keyword = True
            parameters.append("*")
        parameters.append(_parameter(parameter))
    returned = "" if inspect.isclass(function) else _returns(signature.return_annotation)
    line = f"{name}({', '.join(parameters)}){returned}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){returned}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
    annotation = f": {_words(parameter.annotation)}" if parameter.annotation is not parameter.empty else ""
    default = parameter.default
    if default is parameter.empty:
        return f"{stars}{parameter.name}{annotation}"
    shown = str(default.name) if isinstance(default, Enum) else repr(default).replace("datetime.", "")
    shown = shown.replace("'", '"')
    return f"{stars}{parameter.name}{annotation}{' = ' if annotation else '='}{shown}"


def _returns(annotation: Any) -> str:
    return "" if annotation is inspect.Signature.empty else f" -> {_words(annotation)}"


def _returned(function: Any) -> str:
    return _words(inspect.signature(function).return_annotation)


def _words(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else _type_words(annotation)


def _type_words(annotation: Any) -> str:
    words = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    return re.sub(r"\b(typing|pathlib|datetime|collections\.abc)\.", "", words)


def _prose(value: Any) -> str:
    return plain(inspect.getdoc(value) or "", "<[")


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()), "<[")


def _block(text: str, language: str = "python") -> str:
    return f"```{language}\n{text}\n```"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    sys.exit(0)

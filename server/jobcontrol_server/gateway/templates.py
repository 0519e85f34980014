"""Path templates of google.api.http, parsed by the grammar that stands in google/api/http.proto."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

_FIELD_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
# What RFC 3986 lets stand in a segment, but for the colon, which begins a verb, and the asterisk, which is a wildcard.
_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;=@]|%[0-9A-Fa-f]{2})+")
_SLASH_BETWEEN_SEGMENTS = re.compile(r"/(?![^{]*\})")
_PATH_AND_VERB = re.compile(r"(.*?)(?::([^:/{}]*))?", re.DOTALL)
_VARIABLE = re.compile(r"\{([^{}=]*)(?:=([^{}]*))?\}")


class TemplateInvalid(ValueError):
    """A path template that cannot work, told when it is read and not when a request comes."""

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"path template {template!r}: {reason}")
        self.template = template
        self.reason = reason


class Wildcard(Enum):
    """What matches more than itself: one segment that is not empty, or all that are left, which may be none."""

    ONE = "*"
    REST = "**"


Segment: TypeAlias = str | Wildcard


@dataclass(frozen=True)
class Variable:
    """The field that takes a path's segments from `first` up to, but not including, `end`; None takes all the rest."""

    field_path: str
    first: int
    end: int | None
    is_single: bool
    """Whether it takes exactly one segment, of which every escape is decoded."""


@dataclass(frozen=True)
class Template:
    """One parsed template. A literal segment is its text; `verb` is what follows the last colon, if there is one."""

    text: str
    segments: tuple[Segment, ...]
    variables: tuple[Variable, ...]
    verb: str | None

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for two templates if, and only if, they match the same paths."""
        return (self.verb, *self.segments)


def parse_template(text: str) -> Template:
    """Read a template. Raises TemplateInvalid with what is wrong with it."""
    if not text.startswith("/"):
        raise TemplateInvalid(text, "it must begin with a slash")
    found = _PATH_AND_VERB.fullmatch(text, 1)
    assert found is not None, "the pattern matches any text"
    path, verb = found.groups()
    if verb is not None and not _LITERAL.fullmatch(verb):
        raise TemplateInvalid(text, f"{verb!r} is no verb")
    template = _parse_segments(text, path, verb)
    _refuse_what_cannot_work(template)
    return template


def _parse_segments(text: str, path: str, verb: str | None) -> Template:
    segments: list[Segment] = []
    variables: list[Variable] = []
    for piece in _SLASH_BETWEEN_SEGMENTS.split(path):
        if variable := _VARIABLE.fullmatch(piece):
            taken = list(_plain_segments(text, variable[2] if variable[2] is not None else "*"))
            end = None if Wildcard.REST in taken else len(segments) + len(taken)
            is_single = len(taken) == 1 and end is not None
            variables.append(Variable(variable[1], len(segments), end, is_single))
            segments += taken
        else:
            segments += _plain_segments(text, piece)
    return Template(text, tuple(segments), tuple(variables), verb)


def _plain_segments(text: str, path: str) -> Iterator[Segment]:
    for segment in path.split("/"):
        if segment in ("*", "**"):
            yield Wildcard(segment)
        elif _LITERAL.fullmatch(segment):
            yield segment
        else:
            raise TemplateInvalid(text, f"{segment!r} is no segment")


def _refuse_what_cannot_work(template: Template) -> None:
    if Wildcard.REST in template.segments[:-1]:
        raise TemplateInvalid(template.text, "nothing but a verb can follow **")
    names = [variable.field_path for variable in template.variables]
    for name in names:
        if not _FIELD_PATH.fullmatch(name):
            raise TemplateInvalid(template.text, f"{name!r} is no path of fields")
        if names.count(name) > 1:
            raise TemplateInvalid(template.text, f"{name} is bound twice")

"""Which route a raw path takes, and what its variables hold: matched first, decoded once, afterwards."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from jobcontrol_server.gateway.templates import Segment, Template, Variable, Wildcard

Target = TypeVar("Target")

BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPE_OF_NO_SLASH = re.compile(rb"%(?!2[Ff])([0-9A-Fa-f]{2})")


class RoutesAmbiguous(ValueError):
    """Two routes of one method that match the same paths, so that neither has a claim on them."""

    def __init__(self, method: str, first: Template, second: Template) -> None:
        super().__init__(f"{method} {first.text} and {method} {second.text} match the same paths")


class PathMalformed(ValueError):
    """A path that took a route, but holds a broken escape, or bytes that are not UTF-8."""


@dataclass(frozen=True)
class Route(Generic[Target]):
    """What a method and a template lead to. Methods are told apart by case, as HTTP does."""

    method: str
    template: Template
    target: Target


@dataclass(frozen=True)
class Match(Generic[Target]):
    """The route that a path took, with the decoded value of each of its variables by field path."""

    route: Route[Target]
    values: Mapping[str, str]


class Routes(Generic[Target]):
    """Routes in their order of precedence: a verb before none, then from left to right a literal before * before **.

    Raises RoutesAmbiguous if that order does not decide between two of them.
    """

    def __init__(self, routes: Iterable[Route[Target]]) -> None:
        by_shape: dict[tuple[object, ...], Route[Target]] = {}
        self._by_method: dict[str, list[Route[Target]]] = defaultdict(list)
        self._by_verb: dict[str, list[Route[Target]]] = defaultdict(list)
        for route in routes:
            rival = by_shape.setdefault((route.method, *route.template.shape), route)
            if rival is not route:
                raise RoutesAmbiguous(route.method, rival.template, route.template)
            self._by_method[route.method].append(route)
            if route.template.verb is not None:
                self._by_verb[route.template.verb].append(route)
        for of_method in self._by_method.values():
            of_method.sort(key=lambda route: _precedence(route.template))

    def find(self, method: str, raw_path: bytes) -> Match[Target] | None:
        """The match of a path as it was sent, without its query; None if no route of the method takes it.

        Raises PathMalformed if a route takes the path, but it cannot be decoded.
        """
        path = _Path(raw_path)
        is_verb = self._knows_verb_of(path)
        for route in self._by_method.get(method, ()):
            segments = _segments_for(route.template, path, is_verb=is_verb)
            if segments is not None:
                _refuse_malformed(raw_path)
                return Match(route, {v.field_path: _value_of(v, segments) for v in route.template.variables})
        return None

    def methods_of(self, raw_path: bytes) -> frozenset[str]:
        """The methods under which some route takes this path; none of them makes it unknown."""
        path = _Path(raw_path)
        is_verb = self._knows_verb_of(path)
        return frozenset(
            method
            for method, routes in self._by_method.items()
            for route in routes
            if _segments_for(route.template, path, is_verb=is_verb) is not None
        )

    def _knows_verb_of(self, path: "_Path") -> bool:
        """Whether what follows the last colon is a verb under some method, and so no part of a name under another.

        DELETE must not take /jobs/a:cancel for a job named "a:cancel".
        """
        return any(_segments_for(route.template, path) is not None for route in self._by_verb.get(path.verb or "", ()))


class _Path:
    """A raw path in its two readings: as a whole, and with what follows its last colon taken for a verb."""

    def __init__(self, raw: bytes) -> None:
        # Latin-1 gives each byte its own character: what was sent is compared, and stays as it was.
        text = raw.decode("latin-1")
        self._whole = text[1:].split("/") if text.startswith("/") else None
        bare, colon, verb = (self._whole or [""])[-1].rpartition(":")
        self.verb = verb if colon else None
        self._bare = bare

    def segments_under(self, verb: str | None) -> Sequence[str] | None:
        """The segments to match against a template of this verb, None if the path cannot have it."""
        if self._whole is None or verb is None:
            return self._whole
        return [*self._whole[:-1], self._bare] if verb == self.verb else None


def _segments_for(template: Template, path: _Path, *, is_verb: bool = False) -> Sequence[str] | None:
    """The path's segments if the template takes them. `is_verb` says that it ends in a verb, not in a name."""
    if is_verb and template.verb is None:
        return None
    segments = path.segments_under(template.verb)
    return segments if segments is not None and _takes(template.segments, segments) else None


def _precedence(template: Template) -> tuple[object, ...]:
    ranks = {Wildcard.ONE: 1, Wildcard.REST: 2}
    return (template.verb is None, *(0 if isinstance(part, str) else ranks[part] for part in template.segments))


def _takes(pattern: Sequence[Segment], segments: Sequence[str]) -> bool:
    is_open = pattern[-1] is Wildcard.REST
    fixed = pattern[:-1] if is_open else pattern
    if len(segments) < len(fixed) or (len(segments) > len(fixed) and not is_open):
        return False
    return all(
        segment != "" if part is Wildcard.ONE else segment == part
        for part, segment in zip(fixed, segments, strict=False)
    )


def _value_of(variable: Variable, segments: Sequence[str]) -> str:
    raw = "/".join(segments[variable.first : variable.end]).encode("latin-1")
    # In a value of several segments an escaped slash must not become one that separates them.
    return _unescaped(raw, _ESCAPE if variable.is_single else _ESCAPE_OF_NO_SLASH).decode("utf-8")


def _refuse_malformed(raw_path: bytes) -> None:
    if BAD_ESCAPE.search(raw_path):
        raise PathMalformed("the path holds a percent sign without two hexadecimal digits")
    try:
        _unescaped(raw_path, _ESCAPE).decode("utf-8")
    except UnicodeDecodeError as bad:
        raise PathMalformed("the path is not UTF-8") from bad


def _unescaped(raw: bytes, escape: re.Pattern[bytes]) -> bytes:
    return escape.sub(lambda found: bytes([int(found[1], 16)]), raw)

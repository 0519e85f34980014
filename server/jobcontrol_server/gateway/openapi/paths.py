"""Path templates as OpenAPI writes paths, where each parameter is one segment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jobcontrol_server.gateway.templates import Template, Variable, Wildcard


@dataclass(frozen=True)
class Piece:
    """A parameter of a path: its name there, and the variable that it fills, or helps to fill; None if it fills none.

    `form` shows the variable's whole value where that is more than the parameter. `is_rest` says that the template
    takes any number of segments here, which OpenAPI cannot say: to it, it is one.
    """

    name: str
    variable: Variable | None
    form: str = ""
    is_rest: bool = False


@dataclass(frozen=True)
class Path:
    """A template as OpenAPI's path, with its parameters from left to right."""

    text: str
    pieces: tuple[Piece, ...]

    @property
    def shape(self) -> str:
        """Equal for two paths that OpenAPI takes for the same."""
        return self._renamed([""] * len(self.pieces)).text

    def named_like(self, other: "Path") -> "Path":
        """This path with the names of one of the same shape: two sets of names for one path are not allowed."""
        return self._renamed([piece.name for piece in other.pieces])

    def set_apart(self) -> "Path":
        """This path with names that no other has."""
        return self._renamed([f"{piece.name}_rest" for piece in self.pieces])

    def _renamed(self, names: Sequence[str]) -> "Path":
        text, pieces = self.text, []
        for piece, name in zip(self.pieces, names, strict=True):
            text = text.replace(f"{{{piece.name}}}", f"{{{name}}}", 1)
            pieces.append(replace(piece, name=name))
        return Path(text, tuple(pieces))


def path_of(template: Template) -> Path:
    """`{name}` where a variable is, or holds, one wildcard; `{name_1}`, `{name_2}` where it holds several."""
    names = dict(_names(template))
    text = "/" + "/".join(
        segment if isinstance(segment, str) else f"{{{names[position]}}}"
        for position, segment in enumerate(template.segments)
    )
    pieces = tuple(_piece(template, position, names) for position in names)
    return Path(text + (f":{template.verb}" if template.verb else ""), pieces)


def _names(template: Template) -> Iterator[tuple[int, str]]:
    for position, segment in enumerate(template.segments):
        if isinstance(segment, Wildcard):
            variable = _variable_at(template, position)
            wild = _wildcards(template, variable)
            name = variable.field_path if variable is not None else "segment"
            yield position, name if variable is not None and len(wild) == 1 else f"{name}_{wild.index(position) + 1}"


def _piece(template: Template, position: int, names: dict[int, str]) -> Piece:
    variable = _variable_at(template, position)
    form = ""
    if variable is not None and not variable.is_single:
        inside = range(variable.first, variable.end if variable.end is not None else len(template.segments))
        form = "/".join(f"{{{names[at]}}}" if at in names else str(template.segments[at]) for at in inside)
    form = "" if form == f"{{{names[position]}}}" else form
    return Piece(names[position], variable, form, template.segments[position] is Wildcard.REST)


def _variable_at(template: Template, position: int) -> Variable | None:
    return next(
        (v for v in template.variables if v.first <= position and (v.end is None or position < v.end)),
        None,
    )


def _wildcards(template: Template, variable: Variable | None) -> list[int]:
    """Where wildcards of the same variable, or of none, are."""
    return [
        position
        for position, segment in enumerate(template.segments)
        if isinstance(segment, Wildcard) and _variable_at(template, position) == variable
    ]

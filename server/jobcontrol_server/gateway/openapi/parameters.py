"""The parameters of an operation: of its path, of its query, and the headers that the gateway understands."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from jobcontrol_server.gateway.bindings import WHOLE, Binding
from jobcontrol_server.gateway.fields import descriptor_of, is_map
from jobcontrol_server.gateway.openapi.paths import Path, Piece
from jobcontrol_server.gateway.openapi.scalars import Schema, special_schema
from jobcontrol_server.gateway.openapi.schemas import Schemas, is_required, merged
from jobcontrol_server.gateway.openapi.words import Words
from jobcontrol_server.gateway.texts import is_textual

#: The header with which an EventSource connects again.
LAST_EVENT_ID: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "With server-sent events: go on after this event. It wins over a position in the query.",
    "schema": {"type": "string", "pattern": "^(?:0|[1-9][0-9]{0,17})?$"},
}
REST_OF_PATH = "Takes any number of segments; slashes in it are sent as they are, not as %2F."


def path_parameters(binding: Binding, path: Path, schemas: Schemas, words: Words) -> Iterator[Schema]:
    """One parameter for each wildcard of the path."""
    for piece in path.pieces:
        field = _field_at(descriptor_of(binding.method.request), piece.variable.field_path) if piece.variable else None
        parameter = {"name": piece.name, "in": "path", "required": True, "schema": _piece_schema(piece, field, schemas)}
        if text := _piece_description(piece, field, words):
            parameter["description"] = text
        if piece.is_rest:
            parameter["x-segments"] = "**"
        yield parameter


def query_parameters(binding: Binding, schemas: Schemas, words: Words) -> Iterator[Schema]:
    """One parameter for each field that neither path nor body binds, under its JSON name, dotted where it is nested."""
    if binding.body is WHOLE:
        return
    bound = {variable.field_path for variable in binding.template.variables}
    if isinstance(binding.body, FieldDescriptor):
        bound.add(binding.body.name)
    yield from _in_query(descriptor_of(binding.method.request), schemas, words, bound=bound)


def idempotency_parameter(field: FieldDescriptor, schemas: Schemas) -> Schema:
    """The header that fills the field where the request leaves it empty."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": f"Fills `{field.json_name}` where the request leaves it empty.",
        "schema": merged(schemas.of_text(field), schemas.constraints_of(field)),
    }


def _in_query(
    message: Descriptor,
    schemas: Schemas,
    words: Words,
    *,
    bound: set[str],
    within: tuple[FieldDescriptor, ...] = (),
) -> Iterator[Schema]:
    for field in schemas.told_fields(message):
        fields = (*within, field)
        if ".".join(known.name for known in fields) in bound:
            continue
        if is_map(field) or is_textual(field):
            if (parameter := _query_parameter(fields, schemas, words)) is not None:
                yield parameter
        elif not field.is_repeated and _leads_on(field, message, within):
            assert field.message_type is not None, "what no text says is a message"
            yield from _in_query(field.message_type, schemas, words, bound=bound, within=fields)


def _leads_on(field: FieldDescriptor, message: Descriptor, within: tuple[FieldDescriptor, ...]) -> bool:
    """Whether the fields of a message field are parameters: not if it holds itself, nor if JSON has a form for it."""
    assert field.message_type is not None, "what no text says is a message"
    above = {message.full_name, *(known.containing_type.full_name for known in within if known.containing_type)}
    return field.message_type.full_name not in above and special_schema(field.message_type) is None


def _query_parameter(fields: tuple[FieldDescriptor, ...], schemas: Schemas, words: Words) -> Schema | None:
    field = fields[-1]
    parameter: Schema = {"name": ".".join(known.json_name for known in fields), "in": "query"}
    parameter["required"] = len(fields) == 1 and is_required(field)
    if is_map(field):
        value = field.message_type.fields_by_name["value"] if field.message_type is not None else field
        if not is_textual(value):
            return None
        schema: Schema = {"type": "object", "additionalProperties": schemas.of_text(value)}
        parameter |= {"style": "deepObject", "explode": True}
    elif field.is_repeated:
        schema = {"type": "array", "items": schemas.of_text(field)}
    else:
        schema = schemas.of_text(field)
    if field.GetOptions().deprecated:
        parameter["deprecated"] = True
    return {
        **parameter,
        **words.described(field.full_name),
        "schema": merged(schema, schemas.constraints_of(field)),
    }


def _piece_schema(piece: Piece, field: FieldDescriptor | None, schemas: Schemas) -> Schema:
    if field is None or piece.variable is None or not piece.variable.is_single:
        return {"type": "string"} if piece.is_rest else {"type": "string", "minLength": 1}
    schema = merged(schemas.of_text(field), schemas.constraints_of(field))
    return {"minLength": 1, **schema} if field.type == FieldDescriptor.TYPE_STRING else schema


def _piece_description(piece: Piece, field: FieldDescriptor | None, words: Words) -> str:
    sentences = [words.whole(field.full_name)] if field is not None else []
    if piece.form and piece.variable is not None:
        sentences.append(f"Fills `{piece.variable.field_path}` with `{piece.form}`.")
    if piece.is_rest:
        sentences.append(REST_OF_PATH)
    return "\n\n".join(filter(None, sentences))


def _field_at(message: Descriptor, field_path: str) -> FieldDescriptor:
    first, _, rest = field_path.partition(".")
    field = message.fields_by_name[first]
    if not rest:
        return field
    assert field.message_type is not None, "bindings_of() saw to it"
    return _field_at(field.message_type, rest)

"""The document put together: paths with their operations, schemas, what errors look like, and who may call."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jobcontrol_server.gateway.bindings import Binding
from jobcontrol_server.gateway.events import EventStream
from jobcontrol_server.gateway.fields import descriptor_of
from jobcontrol_server.gateway.framing import BodyStream
from jobcontrol_server.gateway.openapi.operations import Writer
from jobcontrol_server.gateway.openapi.paths import Path, path_of
from jobcontrol_server.gateway.openapi.responses import Responses
from jobcontrol_server.gateway.openapi.scalars import Schema
from jobcontrol_server.gateway.openapi.schemas import STATUS, Schemas
from jobcontrol_server.gateway.openapi.words import Words
from jobcontrol_server.gateway.templates import Wildcard

#: OpenAPI has a place for these methods alone.
METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
#: Where the others stand, as OpenAPI 3.2 will have them.
OTHER_METHODS = "x-additionalOperations"
NO_STREAMS: Mapping[str, Any] = MappingProxyType({})
NO_CONSTRAINTS: Mapping[str, Schema] = MappingProxyType({})

_NOTES = """\
The schemas tell the canonical form of everything. Requests may also use the other forms of proto3 JSON: field names as
the proto file has them, numbers as strings, `null` for what is unset, enum values by number. Beyond that, an enum value
may go without the prefix of its type and in any case: `failed`.

What a request does not know is refused, but for unknown query parameters of GET.
"""


def openapi_document(
    bindings: Sequence[Binding],
    *,
    title: str,
    version: str,
    description: str = "",
    comments: Mapping[str, str],
    constraints: Mapping[str, Mapping[str, Any]] = NO_CONSTRAINTS,
    event_streams: Mapping[str, EventStream] = NO_STREAMS,
    body_streams: Mapping[str, BodyStream] = NO_STREAMS,
    idempotency_field: str | None = None,
    needs_token: bool = False,
    left_out: Collection[str] = (),
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of what these bindings take and answer.

    `comments` are those of the proto files, `constraints` JSON Schemas that the values of request fields satisfy
    beyond their type; both by full name. `event_streams`, `body_streams` and `idempotency_field` are as the gateway was
    given them. `left_out` are full names of request fields and enum values that the service refuses: nothing is said
    of them. Each binding has one operation, named Service_Method, and Service_Method_2 for the first additional one:
    names stay while bindings are added at the end.
    """
    words = Words(comments)
    schemas = Schemas(
        [descriptor_of(binding.method.request) for binding in bindings],
        [STATUS, *(descriptor_of(binding.method.response) for binding in bindings)],
        words=words,
        constraints=constraints,
        left_out=left_out,
    )
    writer = Writer(schemas, words, Responses(schemas, event_streams, body_streams), idempotency_field)
    paths = _paths(bindings, writer)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": f"{description}\n\n{_NOTES}".strip()},
        "servers": [{"url": "."}],
        "tags": list(_tags(bindings, words)),
        "paths": paths,
        "components": {
            "responses": writer.responses.components(),
            "schemas": dict(sorted(schemas.components.items())),
        },
    }
    if needs_token:
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
    return document


def _paths(bindings: Iterable[Binding], writer: Writer) -> Schema:
    paths: Schema = {}
    by_shape: dict[str, Path] = {}
    # To OpenAPI, ** is one segment like any other: where it meets *, only its name keeps them apart, and it gives way.
    for binding, operation_id in sorted(_named(bindings), key=lambda named: _is_open(named[0])):
        path = path_of(binding.template)
        path = path.named_like(by_shape.setdefault(path.shape, path))
        if binding.http_method in _methods_at(paths, path):
            path = path.set_apart()
        item = paths.setdefault(path.text, {})
        operation = writer.operation(binding, path, operation_id)
        if binding.http_method in METHODS:
            item[binding.http_method.lower()] = operation
        else:
            item.setdefault(OTHER_METHODS, {})[binding.http_method] = operation
    return paths


def _is_open(binding: Binding) -> bool:
    return Wildcard.REST in binding.template.segments


def _methods_at(paths: Schema, path: Path) -> set[str]:
    item = paths.get(path.text, {})
    return {*(method.upper() for method in item if method != OTHER_METHODS), *item.get(OTHER_METHODS, ())}


def _named(bindings: Iterable[Binding]) -> Iterator[tuple[Binding, str]]:
    """Every binding with the id of its operation."""
    listed = list(bindings)
    services = {binding.method.descriptor.containing_service.full_name for binding in listed}
    shared = Counter(name.rpartition(".")[2] for name in services)
    before: Counter[str] = Counter()
    for binding in listed:
        service = binding.method.descriptor.containing_service
        prefix = service.name if shared[service.name] == 1 else service.full_name.replace(".", "_")
        name = f"{prefix}_{binding.method.descriptor.name}"
        before[name] += 1
        yield binding, name if before[name] == 1 else f"{name}_{before[name]}"


def _tags(bindings: Iterable[Binding], words: Words) -> Iterator[Schema]:
    services = dict.fromkeys(binding.method.descriptor.containing_service for binding in bindings)
    for service in services:
        yield {"name": service.name, **words.described(service.full_name)}

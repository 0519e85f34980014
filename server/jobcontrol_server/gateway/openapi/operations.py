"""One operation of the document: what a binding takes and answers."""

from dataclasses import dataclass

from google.protobuf.descriptor import FieldDescriptor

from jobcontrol_server.gateway.answers import JSON
from jobcontrol_server.gateway.bindings import Binding
from jobcontrol_server.gateway.fields import descriptor_of
from jobcontrol_server.gateway.openapi.parameters import (
    LAST_EVENT_ID,
    idempotency_parameter,
    path_parameters,
    query_parameters,
)
from jobcontrol_server.gateway.openapi.paths import Path
from jobcontrol_server.gateway.openapi.responses import ANY_BYTES, Responses
from jobcontrol_server.gateway.openapi.scalars import Schema
from jobcontrol_server.gateway.openapi.schemas import Schemas, Way, is_required
from jobcontrol_server.gateway.openapi.words import Words
from jobcontrol_server.gateway.requests import idempotency_field_of, takes_raw_body


@dataclass(frozen=True)
class Writer:
    """Writes operations, with what it must know beside the binding."""

    schemas: Schemas
    words: Words
    responses: Responses
    idempotency_field: str | None

    def operation(self, binding: Binding, path: Path, operation_id: str) -> Schema:
        """The operation of a binding, whose template is `path` in this document."""
        descriptor = binding.method.descriptor
        summary, description = self.words.split(descriptor.full_name)
        operation: Schema = {"operationId": operation_id, "tags": [descriptor.containing_service.name]}
        if summary:
            operation["summary"] = summary
        if description:
            operation["description"] = description
        if descriptor.GetOptions().deprecated:
            operation["deprecated"] = True
        operation["x-rpc"] = binding.method.path.removeprefix("/")
        if parameters := self._parameters(binding, path):
            operation["parameters"] = parameters
        if (body := self._body(binding)) is not None:
            operation["requestBody"] = body
        operation["responses"] = self.responses.of(binding)
        return operation

    def _parameters(self, binding: Binding, path: Path) -> list[Schema]:
        parameters = [
            *path_parameters(binding, path, self.schemas, self.words),
            *query_parameters(binding, self.schemas, self.words),
        ]
        key = idempotency_field_of(descriptor_of(binding.method.request), self.idempotency_field)
        if key is not None:
            parameters.append(idempotency_parameter(key, self.schemas))
        if binding.method.full_name in self.responses.event_streams:
            parameters.append(LAST_EVENT_ID)
        return parameters

    def _body(self, binding: Binding) -> Schema | None:
        if binding.body is None:
            return None
        if takes_raw_body(binding):
            return {"required": False, "content": ANY_BYTES}
        if isinstance(binding.body, FieldDescriptor):
            schema, is_needed = self.schemas.of_field(binding.body, Way.ASKED), is_required(binding.body)
        else:
            schema, is_needed = self._whole_body(binding)
        return {"required": is_needed, "content": {JSON: {"schema": schema}}}

    def _whole_body(self, binding: Binding) -> tuple[Schema, bool]:
        request = descriptor_of(binding.method.request)
        in_path = frozenset(variable.field_path for variable in binding.template.variables)
        is_needed = any(is_required(field) for field in request.fields if field.name not in in_path)
        if in_path & set(request.fields_by_name):
            return self.schemas.object(request, Way.ASKED, without=in_path), is_needed
        return self.schemas.of_message(request, Way.ASKED), is_needed

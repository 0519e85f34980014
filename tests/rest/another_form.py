"""Bodies that the document's schemas refuse and proto3 JSON takes all the same: the document says so in words."""

from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory
from jsonschema import Draft202012Validator


def is_another_form(document: dict[str, Any], operation: dict[str, Any], body: Any) -> bool:
    """Whether a body reads as a request whose canonical form the document does allow: null for unset, a number as text.

    protobuf's own parser reads it, which is laxer than the gateway's.
    """
    service, _, method = operation["x-rpc"].partition("/")
    described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
    request = message_factory.GetMessageClass(described.input_type)()
    try:
        json_format.ParseDict(body, request)
    except (json_format.ParseError, TypeError, ValueError, AttributeError):
        return False
    schema = {**operation["requestBody"]["content"]["application/json"]["schema"], "components": document["components"]}
    return bool(Draft202012Validator(schema).is_valid(json_format.MessageToDict(request)))

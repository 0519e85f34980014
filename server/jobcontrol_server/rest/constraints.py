"""The server's table of what fields must satisfy, as JSON Schemas for the document."""

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from jobcontrol import v1 as pb
from jobcontrol_server.gateway.fields import FLOATS, INTEGERS, is_map
from jobcontrol_server.rpc.validation import CONSTRAINTS, NOT_YET
from jobcontrol_server.rpc.validation.checks import Constraint

Schema = Mapping[str, Any]

#: Numbers that JSON writes as strings; beyond this, they are bounded by pattern alone.
_WIDE = 1 << 32
_NOT_NEGATIVE = "^(?:0|[1-9][0-9]{0,18})$"
#: A check of a list bounds a map, too.
_OF_MAPS = {"maxItems": "maxProperties"}


def json_constraints() -> dict[str, Schema]:
    """What the values of request fields satisfy, by the field's full name, as far as JSON Schema can say it."""
    found = {}
    for (message, name), constraint in CONSTRAINTS.items():
        field: FieldDescriptor = getattr(pb, message).DESCRIPTOR.fields_by_name[name]
        if schema := _schema_of(field, constraint):
            found[str(field.full_name)] = schema
    return found


def refused_names() -> frozenset[str]:
    """Full names of the request fields and enum values that this version refuses."""
    names = set()
    for (message, name), values in NOT_YET.items():
        field: FieldDescriptor = getattr(pb, message).DESCRIPTOR.fields_by_name[name]
        if not values:
            names.add(str(field.full_name))
        elif field.enum_type is not None:
            package = field.enum_type.file.package
            names |= {f"{package}.{field.enum_type.values_by_number[number].name}" for number in values}
    return frozenset(names)


def _schema_of(field: FieldDescriptor, constraint: Constraint) -> Schema:
    is_unset_by_default = not (field.is_repeated or field.has_presence)
    schema: Schema = {}
    for check in constraint.checks:
        told = _fitting(field, check.schema)
        if is_unset_by_default and not constraint.missing:
            told = _or_unset(told)
        schema = _both(schema, told)
    if constraint.missing and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
        return {"minLength": 1, **schema}
    return schema


def _fitting(field: FieldDescriptor, schema: Schema) -> Schema:
    if is_map(field):
        return {_OF_MAPS.get(keyword, keyword): value for keyword, value in schema.items()}
    if field.type in INTEGERS and INTEGERS[field.type][1] > _WIDE and schema.get("minimum") == 0:
        return {"pattern": _NOT_NEGATIVE}
    # A bound leaves no room for NaN and the infinities, which are strings.
    return {"type": "number", **schema} if field.type in FLOATS and schema else schema


def _both(first: Schema, second: Schema) -> Schema:
    if first.keys() & second.keys():
        return {**first, "allOf": [*first.get("allOf", ()), second]}
    return {**first, **second}


def _or_unset(schema: Schema) -> Schema:
    """The schema with the default added, which a field without presence may always have: it is the same as unset."""
    if "pattern" in schema and not re.search(schema["pattern"], ""):
        return {**schema, "pattern": f"^$|{schema['pattern']}"}
    if schema.get("minimum", 0) > 0:
        return {"anyOf": [{"const": 0}, schema]}
    return schema

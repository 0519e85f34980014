"""The route table of annotated services, read from their descriptors; what cannot work is refused here, at start-up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.fields import TEXTUAL, descriptor_of, is_map
from jobcontrol_server.gateway.templates import Template, TemplateInvalid, parse_template

METHODS_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class BindingInvalid(ValueError):
    """A google.api.http rule that cannot work, with the RPC that carries it."""

    def __init__(self, rpc: str, reason: str) -> None:
        super().__init__(f"{rpc}: {reason}")
        self.rpc = rpc
        self.reason = reason


class Whole(Enum):
    """`body: "*"`: the body holds every field that the path does not."""

    WHOLE = "*"


WHOLE: Final = Whole.WHOLE
Body: TypeAlias = FieldDescriptor | Whole | None


@dataclass(frozen=True)
class RpcMethod:
    """One RPC as the gateway calls it: a message in, one message or a stream of them out."""

    descriptor: MethodDescriptor
    request: type[Message]
    response: type[Message]

    @property
    def full_name(self) -> str:
        """`package.Service.Method`."""
        return str(self.descriptor.full_name)

    @property
    def path(self) -> str:
        """The path of the call: `/package.Service/Method`."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def is_stream(self) -> bool:
        """Whether it answers with a stream."""
        return bool(self.descriptor.server_streaming)


@dataclass(frozen=True)
class Binding:
    """One HTTP method and path template that call an RPC, and what of its messages the bodies carry."""

    method: RpcMethod
    http_method: str
    template: Template
    body: Body
    """The field that the body fills, WHOLE for the whole request, None if no body binds."""
    response_body: FieldDescriptor | None
    """The field of the answer that is the answer's body, None for the whole answer."""


def bindings_of(services: Iterable[ServiceDescriptor]) -> tuple[Binding, ...]:
    """Every binding of the services in the order of their RPCs, the main one of each before its additional ones.

    RPCs without an annotation have none. Raises BindingInvalid for a rule that cannot work.
    """
    return tuple(
        binding
        for service in services
        for method in service.methods
        if method.GetOptions().HasExtension(annotations_pb2.http)
        for binding in _bindings_of_method(method)
    )


def _bindings_of_method(descriptor: MethodDescriptor) -> Iterator[Binding]:
    rule = descriptor.GetOptions().Extensions[annotations_pb2.http]
    if descriptor.client_streaming:
        raise BindingInvalid(descriptor.full_name, "a stream of requests cannot come over REST")
    method = RpcMethod(
        descriptor,
        message_factory.GetMessageClass(descriptor.input_type),
        message_factory.GetMessageClass(descriptor.output_type),
    )
    yield _binding(method, rule)
    for additional in rule.additional_bindings:
        if additional.additional_bindings:
            raise BindingInvalid(method.full_name, "an additional binding cannot have additional bindings")
        yield _binding(method, additional)


def _binding(method: RpcMethod, rule: HttpRule) -> Binding:
    http_method, path = _method_and_path(method, rule)
    try:
        template = parse_template(path)
    except TemplateInvalid as error:
        raise BindingInvalid(method.full_name, str(error)) from error
    for variable in template.variables:
        _refuse_unfit_variable(method, variable.field_path)
    body = _body(method, http_method, rule)
    if isinstance(body, FieldDescriptor):
        _refuse_shared_field(method, template, body)
    response = _field(method, descriptor_of(method.response), rule.response_body) if rule.response_body else None
    return Binding(method, http_method, template, body, response)


def _method_and_path(method: RpcMethod, rule: HttpRule) -> tuple[str, str]:
    pattern = rule.WhichOneof("pattern")
    if pattern is None:
        raise BindingInvalid(method.full_name, "the rule has no path")
    if pattern != "custom":
        return pattern.upper(), getattr(rule, pattern)
    if not rule.custom.kind.isalpha() or rule.custom.kind != rule.custom.kind.upper():
        raise BindingInvalid(method.full_name, f"{rule.custom.kind!r} is no HTTP method")
    return rule.custom.kind, rule.custom.path


def _body(method: RpcMethod, http_method: str, rule: HttpRule) -> Body:
    if not rule.body:
        return None
    if http_method in METHODS_WITHOUT_BODY:
        raise BindingInvalid(method.full_name, f"{http_method} cannot have a body")
    if rule.body == "*":
        return WHOLE
    return _field(method, descriptor_of(method.request), rule.body)


def _field(method: RpcMethod, message: Descriptor, name: str) -> FieldDescriptor:
    field = message.fields_by_name.get(name)
    if field is None:
        raise BindingInvalid(method.full_name, f"{message.full_name} has no field {name!r} to be a body")
    return field


def _refuse_unfit_variable(method: RpcMethod, field_path: str) -> None:
    message: Descriptor | None = descriptor_of(method.request)
    field: FieldDescriptor | None = None
    for name in field_path.split("."):
        field = message.fields_by_name.get(name) if message is not None else None
        if field is None:
            raise BindingInvalid(
                method.full_name, f"{descriptor_of(method.request).full_name} has no field {field_path!r}"
            )
        if field.is_repeated:
            kind = "map" if is_map(field) else "list"
            raise BindingInvalid(method.full_name, f"{field_path!r} goes through a {kind}, which no path can fill")
        message = field.message_type
    assert field is not None, "a split text has a part"
    if field.message_type is not None and field.message_type.full_name not in TEXTUAL:
        raise BindingInvalid(method.full_name, f"{field_path!r} is a message, which no path can fill")


def _refuse_shared_field(method: RpcMethod, template: Template, body: FieldDescriptor) -> None:
    rivals = {body.name, *(member.name for member in (body.containing_oneof.fields if body.containing_oneof else ()))}
    for variable in template.variables:
        if variable.field_path in rivals:
            raise BindingInvalid(
                method.full_name, f"the path's {variable.field_path!r} would replace the body's {body.name!r}"
            )

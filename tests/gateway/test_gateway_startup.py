"""What could never work is refused when the gateway is made, with a sentence that names the RPC and the fault."""

from collections.abc import Callable
from typing import Any

import grpc.aio
import pytest
from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, MethodDescriptorProto

from gateway import zoo
from jobcontrol_server.gateway import BodyStream, EventStream, Gateway

STRING, INT64, MESSAGE = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_MESSAGE,
)


def service(*methods: MethodDescriptorProto, name: str = "Shop") -> ServiceDescriptor:
    """A service whose requests and responses are all an Item: name, price, tags, owner, labels, parts."""
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    item = file.message_type.add(name="Item")
    entry = item.nested_type.add(name="LabelsEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    for number, key in enumerate(["key", "value"], 1):
        entry.field.add(name=key, number=number, type=STRING, label=FieldDescriptorProto.LABEL_OPTIONAL)
    for number, (field, kind, is_list, of) in enumerate(
        [
            ("name", STRING, False, None),
            ("price", INT64, False, None),
            ("tags", STRING, True, None),
            ("owner", MESSAGE, False, ".shop.Item"),
            ("labels", MESSAGE, True, ".shop.Item.LabelsEntry"),
            ("parts", MESSAGE, True, ".shop.Item"),
        ],
        1,
    ):
        label = FieldDescriptorProto.LABEL_REPEATED if is_list else FieldDescriptorProto.LABEL_OPTIONAL
        item.field.add(name=field, number=number, type=kind, label=label, type_name=of)
    file.service.add(name=name, method=methods)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName(f"shop.{name}")


def rpc(rule: HttpRule | None = None, name: str = "Sell", **streams: Any) -> MethodDescriptorProto:
    """An RPC with this rule, if any."""
    method = MethodDescriptorProto(name=name, input_type=".shop.Item", output_type=".shop.Item", **streams)
    if rule is not None:
        method.options.Extensions[annotations_pb2.http].CopyFrom(rule)
    return method


@pytest.fixture
async def made() -> Any:
    """Make a gateway, without asking it anything."""
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        yield lambda *services, **options: Gateway(channel, services, **options)


Made = Callable[..., Gateway]


@pytest.mark.parametrize(
    ("fault", "rule", "words"),
    [
        ("no slash", HttpRule(get="items"), "slash"),
        ("nothing after the slash", HttpRule(get="/"), "no segment"),
        ("an empty segment", HttpRule(get="/a//b"), "no segment"),
        ("a slash at the end", HttpRule(get="/a/"), "no segment"),
        ("a variable that is not closed", HttpRule(get="/a/{name"), "'{name'"),
        ("a variable in a variable", HttpRule(get="/a/{name={tags}}"), "no segment"),
        ("a variable beside a text", HttpRule(get="/a/x{name}"), "no segment"),
        ("a variable of no name", HttpRule(get="/a/{}"), "no path of fields"),
        ("a variable twice", HttpRule(get="/{name}/{name}"), "name is bound twice"),
        ("something after two stars", HttpRule(get="/**/a"), "**"),
        ("a variable after two stars", HttpRule(get="/{name=**}/{price}"), "**"),
        ("a verb that is none", HttpRule(get="/a:b:c"), "no segment"),
        ("an empty verb", HttpRule(get="/a:"), "no verb"),
        ("a query in a path", HttpRule(get="/a?x=y"), "no segment"),
        ("a field that is not there", HttpRule(get="/{nam}"), "nam"),
        ("a JSON name in a path", HttpRule(get="/{Name}"), "Name"),
        ("a field of a field that is not there", HttpRule(get="/{owner.nam}"), "owner.nam"),
        ("a field of a string", HttpRule(get="/{name.x}"), "name.x"),
        ("a list in a path", HttpRule(get="/{tags}"), "tags"),
        ("a map in a path", HttpRule(get="/{labels}"), "labels"),
        ("through a list", HttpRule(get="/{parts.name}"), "parts"),
        ("a message in a path", HttpRule(get="/{owner}"), "owner"),
        ("a body that is not there", HttpRule(post="/a", body="nam"), "nam"),
        ("a body within a message", HttpRule(post="/a", body="owner.name"), "owner.name"),
        ("a body that is the path's", HttpRule(post="/{name}", body="name"), "name"),
        ("a body of GET", HttpRule(get="/a", body="*"), "GET"),
        ("a response body that is not there", HttpRule(get="/a", response_body="nam"), "nam"),
        ("a response body within a message", HttpRule(get="/a", response_body="owner.name"), "owner.name"),
        ("everything as a response body", HttpRule(get="/a", response_body="*"), "*"),
        ("no pattern", HttpRule(body="*"), "no path"),
        ("a method of no name", HttpRule(custom={"kind": "", "path": "/a"}), "HTTP method"),
        ("a method that is none", HttpRule(custom={"kind": "GE T", "path": "/a"}), "HTTP method"),
        ("a fault in an additional binding", HttpRule(get="/a", additional_bindings=[{"get": "/{nam}"}]), "nam"),
        (
            "additional bindings of additional bindings",
            HttpRule(get="/a", additional_bindings=[{"get": "/b", "additional_bindings": [{"get": "/c"}]}]),
            "additional",
        ),
    ],
)
async def test_a_rule_that_cannot_work_is_refused(fault: str, rule: HttpRule, words: str, made: Made) -> None:
    with pytest.raises(ValueError, match="shop") as refused:
        made(service(rpc(HttpRule(get="/fine"), "Fine"), rpc(rule)))

    assert words in str(refused.value), fault
    assert "shop.Shop.Sell" in str(refused.value), fault


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (HttpRule(get="/items/{name}"), HttpRule(get="/items/{price}")),
        (HttpRule(get="/items"), HttpRule(get="/items")),
        (HttpRule(get="/{name=items/*}"), HttpRule(get="/items/{name}")),
        (HttpRule(get="/{name=**}:sell"), HttpRule(get="/**:sell")),
        (HttpRule(post="/a", body="*"), HttpRule(put="/b", additional_bindings=[{"post": "/a", "body": "owner"}])),
        (HttpRule(custom={"kind": "GET", "path": "/items"}), HttpRule(get="/items")),
    ],
)
async def test_two_rules_for_the_same_paths_are_refused(first: HttpRule, second: HttpRule, made: Made) -> None:
    for pair in ((first, second), (second, first)):
        with pytest.raises(ValueError, match="match the same paths"):
            made(service(*(rpc(rule, f"Sell{number}") for number, rule in enumerate(pair))))


async def test_they_are_refused_of_two_services_and_of_one_rpc_too(made: Made) -> None:
    with pytest.raises(ValueError, match="match the same paths"):
        made(service(rpc(HttpRule(get="/items"))), service(rpc(HttpRule(get="/items")), name="Market"))
    with pytest.raises(ValueError, match="match the same paths"):
        made(service(rpc(HttpRule(get="/{name}", additional_bindings=[{"get": "/{price}"}]))))


@pytest.mark.parametrize("streams", [{"client_streaming": True}, {"client_streaming": True, "server_streaming": True}])
async def test_a_stream_of_requests_is_refused_if_it_has_a_rule(streams: dict[str, Any], made: Made) -> None:
    with pytest.raises(ValueError, match=r"shop\.Shop\.Sell"):
        made(service(rpc(HttpRule(post="/items", body="*"), **streams)))

    assert made(service(rpc(None, **streams))).bindings == ()


async def test_rules_that_only_look_alike_are_served_side_by_side(made: Made) -> None:
    rules = [
        HttpRule(get="/items/{name}"),
        HttpRule(put="/items/{name}", body="owner"),
        HttpRule(get="/items/{name}:sell"),
        HttpRule(get="/items/{name=**}"),
        HttpRule(get="/items/all"),
        HttpRule(get="/{owner.owner.price}/x"),
        HttpRule(post="/tags", body="tags", response_body="labels"),
        HttpRule(custom={"kind": "PURGE", "path": "/items/{name}"}),
    ]

    gateway = made(service(rpc(), *(rpc(rule, f"Sell{number}") for number, rule in enumerate(rules, 1))))

    assert [binding.method.full_name for binding in gateway.bindings] == [
        f"shop.Shop.Sell{number}" for number in range(1, len(rules) + 1)
    ]


async def test_bindings_are_told_in_their_order_with_what_they_bind(made: Made) -> None:
    look = [binding for binding in made(zoo.SERVICE).bindings if binding.method.full_name == "zoo.v1.Zoo.CreateAnimal"]

    assert [(binding.http_method, binding.template.text) for binding in look] == [
        ("POST", "/v1/animals"),
        ("POST", "/v1/animals:import"),
        ("PUT", "/v1/animals/{animal.name}"),
        ("PATCH", "/v1/animals/{animal.name}"),
    ]
    assert look[0].method.path == "/zoo.v1.Zoo/CreateAnimal"
    assert (look[0].method.request, look[0].method.response) == (zoo.CreateAnimalRequest, zoo.Animal)
    assert not look[0].method.is_stream


@pytest.mark.parametrize(
    ("rpc_name", "facts"),
    [
        ("zoo.v1.Zoo.Watch", EventStream(id="numbr", resume="after")),
        ("zoo.v1.Zoo.Watch", EventStream(id="number", resume="aftr")),
        ("zoo.v1.Zoo.Watch", EventStream(id="number", resume="after", heartbeat="beat")),
        ("zoo.v1.Zoo.Watch", EventStream(id="number", resume="after", end="number")),
        ("zoo.v1.Zoo.Watch", EventStream(id="finished", resume="after")),
        ("zoo.v1.Zoo.Wach", EventStream(id="number", resume="after")),
        ("zoo.v1.Zoo.GetAnimal", EventStream(id="name", resume="name")),
    ],
)
async def test_facts_about_a_stream_that_its_messages_contradict_are_refused(
    rpc_name: str, facts: EventStream, made: Made
) -> None:
    with pytest.raises(ValueError, match=rpc_name):
        made(zoo.SERVICE, event_streams={rpc_name: facts})


@pytest.mark.parametrize(
    ("rpc_name", "facts"),
    [
        ("zoo.v1.Zoo.Watch", BodyStream(content_type="note", data="number")),
        ("zoo.v1.Zoo.ReadFile", BodyStream(content_type="content_type", data="content_type")),
        ("zoo.v1.Zoo.ReadFile", BodyStream(content_type="type", data="data")),
        ("zoo.v1.Zoo.GetFile", BodyStream(content_type="content_type", data="data")),
    ],
)
async def test_so_are_facts_about_a_body_in_parts(rpc_name: str, facts: BodyStream, made: Made) -> None:
    with pytest.raises(ValueError, match=rpc_name):
        made(zoo.SERVICE, body_streams={rpc_name: facts})

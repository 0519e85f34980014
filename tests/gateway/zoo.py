"""The messages and the service of zoo.proto, compiled when this is imported."""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import google.api.annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from grpc_tools import protoc

PROTO = Path(__file__).with_name("zoo.proto")


def _compiled() -> Any:
    """The descriptor of zoo.proto, in the pool that the generated modules of its imports are in."""
    google_api = Path(google.api.annotations_pb2.__file__).parents[2]
    well_known = Path(protoc.__file__).with_name("_proto")
    with tempfile.TemporaryDirectory() as directory:
        compiled = Path(directory, "zoo.binpb")
        include = [f"-I{path}" for path in (PROTO.parent, google_api, well_known)]
        assert protoc.main(["protoc", *include, f"--descriptor_set_out={compiled}", PROTO.name]) == 0
        [file] = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file
    for name in file.dependency:
        import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return descriptor_pool.Default().FindFileByName(PROTO.name)


_FILE = _compiled()
SERVICE: ServiceDescriptor = _FILE.services_by_name["Zoo"]

# Their fields are known when the tests run and not before.
Animal: Any
CreateAnimalRequest: Any
Event: Any
Everything: Any
GetAnimalRequest: Any
ListAnimalsRequest: Any
ListAnimalsResponse: Any
PartsRequest: Any
PathRequest: Any
Place: Any
PutFileRequest: Any
WatchRequest: Any
globals().update({name: message_factory.GetMessageClass(found) for name, found in _FILE.message_types_by_name.items()})

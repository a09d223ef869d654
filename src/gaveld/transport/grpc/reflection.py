"""Server reflection, v1 and v1alpha, that shows what is served and nothing else.

The contract has RPCs that this server does not implement yet; the files that reflection hands
out are copies without them, so that no tool offers a call that can't be answered.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import aio  # type: ignore[attr-defined]  # stubs lack it

from gaveld.transport.grpc.call import Context
from gaveld.transport.grpc.services import Service

_V1_FILE: Final = "grpc/reflection/v1/reflection.proto"
_V1_PACKAGE: Final = "grpc.reflection.v1"
_ALPHA_PACKAGE: Final = "grpc.reflection.v1alpha"


def reflection_services(services: Sequence[Service]) -> tuple[Service, Service]:
    """Return the two reflection services for a server of ``services``; both are open to anyone."""
    alpha = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    v1 = _v1_descriptor()
    served = {entry.name: {rpc.name for rpc in entry.served()} for entry in services}
    served |= {entry.full_name: {rpc.name for rpc in entry.methods} for entry in (alpha, v1)}
    files = [entry.descriptor.file for entry in services] + [alpha.file, v1.file]
    files.append(error_details_pb2.DESCRIPTOR)  # what an error within an answer is made of
    make: Callable[..., Any] = vars(aio)["ReflectionServicer"]
    servicer = make(served, pool=_pool(files, served))
    return Service(alpha, servicer, None), Service(v1, _V1Servicer(servicer, v1), None)


class _V1Servicer:
    """Answers v1 through the v1alpha servicer: the two differ in their package's name only."""

    def __init__(self, alpha: Any, descriptor: ServiceDescriptor) -> None:
        self._alpha = alpha
        self._response = GetMessageClass(descriptor.methods[0].output_type)

    async def ServerReflectionInfo(
        self, requests: AsyncIterator[Any], context: Context
    ) -> AsyncIterator[Any]:
        async def translated() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
            async for request in requests:
                raw = request.SerializeToString()
                yield reflection_pb2.ServerReflectionRequest.FromString(raw)

        async for response in self._alpha.ServerReflectionInfo(translated(), context):
            yield self._response.FromString(response.SerializeToString())


def _v1_descriptor() -> ServiceDescriptor:
    """Return the v1 service; grpcio-reflection ships v1alpha only, so v1 is a renamed copy."""
    pool = descriptor_pool.Default()
    try:
        file = pool.FindFileByName(_V1_FILE)
    except KeyError:
        proto = descriptor_pb2.FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(proto)
        proto.name, proto.package = _V1_FILE, _V1_PACKAGE
        _rename(proto)
        file = pool.AddSerializedFile(proto.SerializeToString())
    return file.services_by_name["ServerReflection"]


def _rename(proto: descriptor_pb2.FileDescriptorProto) -> None:
    old, new = f".{_ALPHA_PACKAGE}.", f".{_V1_PACKAGE}."
    for message in proto.message_type:
        for field in message.field:
            if field.type_name:  # scalars must not have one, not even an empty one
                field.type_name = field.type_name.replace(old, new)
    for method in proto.service[0].method:
        method.input_type = method.input_type.replace(old, new)
        method.output_type = method.output_type.replace(old, new)


def _pool(
    files: Iterable[FileDescriptor], served: Mapping[str, set[str]]
) -> descriptor_pool.DescriptorPool:
    """Return the files and all they import, holding only the RPCs that are served."""
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in added:
            return
        added.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        _prune(proto, served)
        pool.AddSerializedFile(proto.SerializeToString())

    for file in files:
        add(file)
    return pool


def _prune(proto: descriptor_pb2.FileDescriptorProto, served: Mapping[str, set[str]]) -> None:
    kept = []
    for service in proto.service:
        names = served.get(f"{proto.package}.{service.name}", set())
        methods = [method for method in service.method if method.name in names]
        if methods:
            del service.method[:]
            service.method.extend(methods)
            kept.append(service)
    del proto.service[:]
    proto.service.extend(kept)

"""The probe: its descriptors, compiled on the spot, and a gRPC server that gives back what it got.

A contract of its own, because Gavel's uses a part of what transcoding must cope with.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_tools import protoc

PROTO = Path(__file__).with_name("probe.proto")


@cache
def descriptor_set(folder: Path) -> Path:
    """Compile the probe, and return its descriptor set with imports and the error protos."""
    out = folder / "probe.binpb"
    googleapis = Path(annotations_pb2.__file__).parents[2]
    well_known = Path(protoc.__file__).with_name("_proto")
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO.parent}",
            f"--proto_path={googleapis}",
            f"--proto_path={well_known}",
            "--include_imports",
            f"--descriptor_set_out={out}",
            PROTO.name,
            "google/rpc/status.proto",
            "google/rpc/error_details.proto",
        ]
    )
    assert status == 0
    return out


def probe_service(image: Path) -> ServiceDescriptor:
    """Return the probe's service, in a pool of its own."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool.FindServiceByName("probe.v1.Probe")


@dataclass
class ProbeServer:
    """A gRPC server of the probe. It remembers what it was asked, and with which headers."""

    service: ServiceDescriptor
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    time_left: list[float | None] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    pieces: int = 0

    def __post_init__(self) -> None:
        self.gate.set()
        # As many as the server that is shipped takes over one connection.
        self._server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 100)])
        handlers = {method.name: self._handler(method) for method in self.service.methods}
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(self.service.full_name, handlers)]
        )

    async def start(self, address: str = "127.0.0.1:0") -> int:
        port = self._server.add_insecure_port(address)
        await self._server.start()
        return port

    async def stop(self) -> None:
        await self._server.stop(None)

    def _handler(self, method: Any) -> Any:
        kind = "stream_stream" if method.client_streaming else "unary_unary"
        if method.server_streaming and not method.client_streaming:
            kind = "unary_stream"
        behaviour = {"Fail": self._fail, "Hang": self._hang, "Many": self._many}.get(
            method.name, self._talk if method.client_streaming else self._echo
        )
        if method.name == "Raw":
            behaviour = self._raw
        return getattr(grpc, f"{kind}_rpc_method_handler")(
            behaviour,
            GetMessageClass(method.input_type).FromString,
            lambda message: message.SerializeToString(),
        )

    def _note(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.time_left.append(context.time_remaining())

    async def _echo(self, request: Any, context: Any) -> Any:
        self._note(request, context)
        await self.gate.wait()
        context.set_trailing_metadata((("x-request-id", "named-by-the-server"),))
        return request

    async def _raw(self, request: Any, context: Any) -> Any:
        self._note(request, context)
        return request.file

    async def _fail(self, request: Any, context: Any) -> None:
        self._note(request, context)
        code = next(entry for entry in grpc.StatusCode if entry.value[0] == request.code)
        details = [] if request.without_details else [_status(request).SerializeToString()]
        trailers = [("grpc-status-details-bin", entry) for entry in details]
        await context.abort(code, request.message, (*trailers, ("x-request-id", "failed")))

    async def _hang(self, request: Any, context: Any) -> None:
        self._note(request, context)
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def _many(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._note(request, context)
        try:
            for inner in request.inners:
                yield inner
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if request.code:
            code = next(entry for entry in grpc.StatusCode if entry.value[0] == request.code)
            await context.abort(code, "as told")

    async def _talk(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        self.metadata.append(dict(context.invocation_metadata()))
        inner = GetMessageClass(self.service.methods_by_name["Talk"].output_type)
        is_over = False
        try:
            await self.gate.wait()
            async for piece in requests:
                self.pieces += 1
                if piece.code:
                    code = next(e for e in grpc.StatusCode if e.value[0] == piece.code)
                    await context.abort(code, "as told")
                yield inner(text=piece.text, size=len(piece.data))
                await self.gate.wait()
            # A cancelled call may look half-closed at first; its last answer then gets nowhere.
            yield inner(text="end")
            is_over = True
        finally:
            if not is_over:
                self.cancelled.set()


def _status(request: Any) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(reason=request.reason, domain="probe")
    details = [info]
    if request.HasField("retry_delay"):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(request.retry_delay.ToTimedelta())
        details.append(retry)
    packed = []
    for detail in details:
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=request.code, message=request.message, details=packed)

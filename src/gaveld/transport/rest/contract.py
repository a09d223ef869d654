"""The contract's own REST API: a route for every binding in the descriptors, and its errors.

Which RPCs the server behind serves is the server's to say: one that it lacks is answered with 501.
"""

import importlib
from collections.abc import Sequence
from typing import Final

from gavel.descriptors import descriptor_set
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from gaveld.transport.rest.answers import Answer, StreamedAnswer
from gaveld.transport.rest.bindings import Binding, bindings_of
from gaveld.transport.rest.failures import refusal
from gaveld.transport.rest.headers import media_type
from gaveld.transport.rest.routing import RouteTable
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.streaming import streamed
from gaveld.transport.rest.surfaces import Handler, Request, Surface
from gaveld.transport.rest.transcoding import answer_message, request_message, takes_raw_body

_UTF_8: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})


def contract_services() -> tuple[ServiceDescriptor, ...]:
    """Return every service of the published descriptor set, ``google.longrunning`` included."""
    return tuple(
        service
        for file in descriptor_set().file
        if file.service
        for service in _file(file.name).services_by_name.values()
    )


class ContractSurface(Surface):
    """The REST form of services. ``as_declared`` answers in snake_case, as fields are declared.

    ``sockets`` are the routes of RPCs that take a stream, which are WebSockets.
    """

    name = "contract"
    prefixes = ("/",)

    def __init__(self, services: Sequence[ServiceDescriptor], *, as_declared: bool = False) -> None:
        super().__init__()
        self.services = services
        self.as_declared = as_declared
        self.sockets: RouteTable[Binding] = RouteTable()
        for binding in bindings_of(services):
            if binding.method.client_streaming:
                self.sockets.add(binding.http_method, binding.template, binding)
                handler: Handler = _ask_for_upgrade
            elif binding.method.server_streaming:
                handler = self._streams(binding)
            else:
                handler = self._answers(binding)
            self.add(binding.http_method, binding.template, handler)

    def _answers(self, binding: Binding) -> Handler:
        async def handle(request: Request, rpc: Rpc) -> Answer:
            message: Message = await rpc(binding.path, _message(binding, request))
            return answer_message(binding, message, as_declared=self.as_declared)

        return handle

    def _streams(self, binding: Binding) -> Handler:
        async def handle(request: Request, rpc: Rpc) -> StreamedAnswer:
            as_events = "text/event-stream" in request.headers["accept"].lower()
            message = _message(binding, request)
            return await streamed(
                binding, message, rpc, as_events=as_events, as_declared=self.as_declared
            )

        return handle


def _message(binding: Binding, request: Request) -> Message:
    content_type = request.headers["content-type"]
    if request.body and binding.body and not takes_raw_body(binding) and not _is_json(content_type):
        raise refusal(
            code_pb2.INVALID_ARGUMENT,
            "CONTENT_TYPE_UNSUPPORTED",
            "Send the body as content-type: application/json, in UTF-8.",
        )
    return request_message(binding, request.variables, request.query, request.body, content_type)


def _is_json(content_type: str) -> bool:
    kind, parameters = media_type(content_type)
    if kind not in {"", "application/json"} and not kind.endswith("+json"):
        return False
    return parameters.get("charset", "").lower() in _UTF_8


async def _ask_for_upgrade(_: Request, __: Rpc) -> Answer:
    raise refusal(
        code_pb2.FAILED_PRECONDITION,
        "UPGRADE_REQUIRED",
        "This path is a WebSocket's: ask for it with Upgrade: websocket.",
        headers=(("upgrade", "websocket"),),
    )


def _file(name: str) -> FileDescriptor:
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor: FileDescriptor = module.DESCRIPTOR
    return descriptor

"""Which RPCs are served: those that a servicer implements, and no other of its service.

Handlers are read from the contract's descriptors, so that an RPC of the contract that is not
implemented yet is simply not there, neither to call nor to be seen by reflection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gaveld.transport.grpc.call import Method, Received

Reader = Callable[[Callable[[bytes], Message]], Callable[[bytes], Received]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the contract and who answers its calls.

    ``servicer`` has a method for each RPC that is served, under the RPC's name; ``others`` have
    those that it lacks. ``scope`` is what an API key needs, or several with spaces between, of
    which one is enough; None leaves the service open to anyone.
    """

    descriptor: ServiceDescriptor
    servicer: object
    scope: str | None = "moderate"
    others: tuple[object, ...] = ()

    @property
    def name(self) -> str:
        """The full name, such as ``gavel.v1.ModerationService``."""
        return str(self.descriptor.full_name)

    def served(self) -> tuple[MethodDescriptor, ...]:
        """Return the RPCs that the servicers implement."""
        return tuple(
            entry for entry in self.descriptor.methods if self._behaviour(entry.name) is not None
        )

    def methods(self) -> Mapping[str, Method]:
        """Return what is served by path."""
        entries = (
            Method(f"/{self.name}/{rpc.name}", self.name, rpc.name, _kind(rpc), self.scope)
            for rpc in self.served()
        )
        return {entry.path: entry for entry in entries}

    def handlers(
        self, reader: Reader, stream_reader: Reader | None = None
    ) -> "grpc.GenericRpcHandler[Any, Any]":
        """Return the handlers to register.

        ``reader`` wraps the parsing of each request, and ``stream_reader``, if there is one, of
        those that are one of many.
        """
        readers = {False: reader, True: stream_reader or reader}
        handlers = {
            rpc.name: _handler(rpc, self._behaviour(rpc.name), readers[rpc.client_streaming])
            for rpc in self.served()
        }
        return grpc.method_handlers_generic_handler(self.name, handlers)

    def _behaviour(self, name: str) -> Any:
        servicers = (self.servicer, *self.others)
        return next((getattr(e, name) for e in servicers if hasattr(e, name)), None)


def _handler(rpc: MethodDescriptor, behaviour: Any, reader: Reader) -> Any:
    shape = "_".join(
        "stream" if streams else "unary" for streams in (rpc.client_streaming, rpc.server_streaming)
    )
    factory = getattr(grpc, f"{shape}_rpc_method_handler")
    request, response = GetMessageClass(rpc.input_type), GetMessageClass(rpc.output_type)
    return factory(behaviour, reader(request.FromString), response.SerializeToString)


def _kind(rpc: MethodDescriptor) -> str:
    if rpc.client_streaming:
        return "bidi_stream" if rpc.server_streaming else "client_stream"
    return "server_stream" if rpc.server_streaming else "unary"

"""The way to the gRPC servers behind the gateway: channels, and calls of any RPC by its path.

Every call goes over a channel, also in one process, so that nothing of the server is bypassed.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import EncodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gaveld.transport.rest.bindings import method_path
from gaveld.transport.rest.failures import failure_of, malformed, metadata_pairs
from gaveld.transport.rest.headers import REQUEST_ID, Caller

_LARGEST_ANSWER_BYTES: Final = 64 << 20
_CALLS_PER_CHANNEL: Final = 50
_EXTRA_SECONDS: Final = 5.0
"""How much longer than the server's own cap a call is waited for."""

ChannelOptions = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """Where the servers are and how to dial them.

    ``targets`` are one target in any form that gRPC takes (``unix:…``, ``dns:///…``,
    ``host:port``), or several of the form ``host:port``. ``credentials`` None speaks plaintext.
    ``service_config`` is JSON that balances, watches health and retries; empty does neither.
    ``max_seconds`` is how long a unary call may take at most.
    """

    targets: tuple[str, ...]
    credentials: grpc.ChannelCredentials | None = None
    service_config: str = ""
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A response message, and what the server named the call; empty if it didn't."""

    message: Message
    request_id: str


@dataclass(eq=False, slots=True)
class _Line:
    channel: grpc.aio.Channel
    calls: int = 0
    unary: dict[MethodDescriptor, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Upstream:
    """Calls RPCs, fifty at a time over one channel; streams have channels of their own.

    A server lets one connection have a hundred calls at once and resets what is more. Streams that
    stay open would soon leave no room for others.
    """

    options: UpstreamOptions
    _calls: list[_Line] = field(init=False)
    _streams: list[_Line] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._target, self._authority = dialled(self.options.targets)
        self._calls = [_Line(self._channel())]

    async def close(self) -> None:
        """Close every channel; calls in progress end. Idempotent."""
        for line in (*self._calls, *self._streams):
            await line.channel.close(None)
        self._streams.clear()

    def is_connected(self) -> bool:
        """Whether a server can be called now, as far as is known."""
        first = self._calls[0].channel
        return first.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    async def unary(self, method: MethodDescriptor, request: Message, caller: Caller) -> Answered:
        """Call an RPC of one answer. Raises ``RpcFailure``; cancelling ends the call."""
        cap = self.options.max_seconds + _EXTRA_SECONDS
        timeout = cap if caller.timeout_seconds is None else min(cap, caller.timeout_seconds)
        with self._line(self._calls) as line:
            stub = line.unary.get(method)
            if stub is None:
                stub = line.unary[method] = line.channel.unary_unary(
                    method_path(method), None, GetMessageClass(method.output_type).FromString
                )
            call = stub(serialised(request), timeout=timeout, metadata=caller.metadata)
            try:
                response = await call
                trailers = await call.trailing_metadata()
            except grpc.aio.AioRpcError as error:
                raise failure_of(error) from None
        return Answered(response, _request_id(trailers))

    @contextlib.asynccontextmanager
    async def stream(self, method: MethodDescriptor, caller: Caller) -> AsyncIterator[Any]:
        """Open a stream, and give its call: ``write`` (of bytes), ``done_writing`` and ``read``.

        For RPCs of one request too, after which the caller says ``done_writing``. Leaving the
        context ends the call.
        """
        with self._line(self._streams) as line:
            stub: Any = line.channel.stream_stream(
                method_path(method), None, GetMessageClass(method.output_type).FromString
            )
            call = stub(timeout=caller.timeout_seconds, metadata=caller.metadata)
            try:
                yield call
            finally:
                call.cancel()

    @contextlib.contextmanager
    def _line(self, lines: list[_Line]) -> Iterator[_Line]:
        line = next((entry for entry in lines if entry.calls < _CALLS_PER_CHANNEL), None)
        if line is None:
            line = _Line(self._channel())
            lines.append(line)
        line.calls += 1
        try:
            yield line
        finally:
            line.calls -= 1

    def _channel(self) -> grpc.aio.Channel:
        options: list[tuple[str, str | int]] = [
            ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
            ("grpc.use_local_subchannel_pool", 1),  # else channels would share a connection
            ("grpc.enable_retries", int(bool(self.options.service_config))),
        ]
        if self.options.service_config:
            options.append(("grpc.service_config", self.options.service_config))
        if self._authority:
            options.append(("grpc.default_authority", self._authority))
        if self.options.credentials is None:
            return grpc.aio.insecure_channel(self._target, options)
        return grpc.aio.secure_channel(self._target, self.options.credentials, options)


def dialled(targets: Sequence[str]) -> tuple[str, str]:
    """Return the targets as one that gRPC dials, and the name that certificates must have.

    The name is empty for a single target, which gRPC takes as it is. Names of several targets are
    looked up here, once. Raises ``OSError`` for one that can't be found and ``ValueError`` for one
    that is no ``host:port``.
    """
    if not targets:
        raise ValueError("no target")
    if len(targets) == 1:
        return targets[0], ""
    addresses = dict.fromkeys(
        address for target in targets for address in _addresses(*_host_and_port(target))
    )
    families = {":" in host for host, _ in addresses}
    if len(families) > 1:
        raise ValueError("targets of IPv4 and IPv6 don't mix")
    scheme = "ipv6" if families == {True} else "ipv4"
    shape = "[{}]:{}" if scheme == "ipv6" else "{}:{}"
    listed = (shape.format(*address) for address in addresses)
    return f"{scheme}:{','.join(listed)}", _host_and_port(targets[0])[0]


def serialised(message: Message) -> bytes:
    """Return a message's bytes. Raises ``RpcFailure`` for one that protobuf can't write."""
    try:
        return message.SerializeToString()
    except (EncodeError, ValueError, RecursionError):
        raise malformed("The message is nested too deep.") from None


def _request_id(metadata: Any) -> str:
    return next((str(value) for name, value in metadata_pairs(metadata) if name == REQUEST_ID), "")


def _host_and_port(target: str) -> tuple[str, int]:
    host, colon, port = target.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ValueError(f"{target!r} is no host:port, which several targets must be")
    return host.strip("[]"), int(port)


def _addresses(host: str, port: int) -> list[tuple[str, int]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first_family = found[0][0]  # localhost is both 127.0.0.1 and ::1, and is one server
    return [(str(address[0]), port) for family, _, _, _, address in found if family == first_family]

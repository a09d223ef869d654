"""RPCs that take a stream, as WebSockets: one message of the RPC is one message of the socket.

Text messages are proto3 JSON. A binary message is the request's one field of bytes, where it has
one: a piece of a video needs no base64. An empty text message says that no more will come, after
which answers still do. Nothing is read that the RPC has no room for, and nothing is taken from the
RPC that the client has no room for, so that whoever is slow slows the other side down.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
import orjson
import structlog
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from gaveld.application.failures import place_of
from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.bindings import Binding
from gaveld.transport.rest.contract import ContractSurface
from gaveld.transport.rest.failures import (
    RpcFailure,
    answer_of,
    failure_of,
    internal,
    malformed,
    refusal,
    status_json,
)
from gaveld.transport.rest.headers import (
    Headers,
    Metadata,
    caller_of,
    credentials_of,
    request_id_of,
)
from gaveld.transport.rest.metrics import RestMetrics
from gaveld.transport.rest.origins import refuse_foreign
from gaveld.transport.rest.routing import Match, MethodNotAllowedError, RouteNotFoundError
from gaveld.transport.rest.streaming import END_OF_STREAM, call_failure
from gaveld.transport.rest.templates import Path, PathError
from gaveld.transport.rest.transcoding import json_message, message_json, new_request
from gaveld.transport.rest.upstream import Upstream, serialised

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

SUBPROTOCOL: Final = "gavel.v1"
KEY_PREFIX: Final = "gavel.key."
"""A browser can set no header, so that it offers its key as a subprotocol: ``gavel.key.KEY``."""

CLOSED_OK: Final = 1000
CLOSED_BY_CODE: Final = 4000
"""Plus the ``google.rpc.Code`` that the RPC ended with, such as 4008 for RESOURCE_EXHAUSTED."""

_LONGEST_REASON_BYTES: Final = 123


@dataclass(frozen=True, slots=True)
class Sockets:
    """The WebSockets of a gateway: routes of ``contract``, calls over ``upstream``.

    ``allowed_origins`` are the origins, besides the gateway's own, whose pages may open one.
    """

    contract: ContractSurface
    upstream: Upstream
    metrics: RestMetrics
    allowed_origins: tuple[str, ...] = ()

    async def serve(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one WebSocket to its end."""
        headers = Headers(scope["headers"])
        request_id = request_id_of(headers)
        await receive()  # the client's wish to connect
        try:
            match = self._found(scope, headers)
            credentials = credentials_of(headers) or _offered(scope)
            caller = caller_of(headers, request_id, credentials)
        except RpcFailure as failure:
            await _deny(send, answer_of(failure), request_id)
            return
        binding, route = match.route.target, match.route.template.text
        offered = scope.get("subprotocols", ())
        await send(
            {
                "type": "websocket.accept",
                "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None,
                "headers": [
                    (name.encode(), value.encode("latin-1")) for name, value in caller.echoed
                ],
            }
        )
        self.metrics.socket_opened(route)
        try:
            async with self.upstream.stream(binding.method, caller) as call:
                conversation = _Conversation(
                    binding, call, receive, send, as_declared=self.contract.as_declared
                )
                await conversation.run()
        except _GoneError:
            pass  # leaving the stream has ended the RPC
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a reason
            self._tell(route, error, request_id)
            with contextlib.suppress(OSError):  # uvicorn's word for a client that left
                await _close(send, internal(request_id))
        finally:
            self.metrics.socket_closed(route)

    def _tell(self, route: str, error: Exception, request_id: str) -> None:
        structlog.get_logger("gaveld.rest").error(
            "websocket failed", route=route, cause=place_of(error), request_id=request_id
        )

    def _found(self, scope: Event, headers: Headers) -> Match[Binding]:
        refuse_foreign(headers, self.allowed_origins)
        try:
            match = self.contract.sockets.find("GET", Path.read(scope["raw_path"]))
        except (RouteNotFoundError, MethodNotAllowedError, PathError):
            raise refusal(
                code_pb2.NOT_FOUND, "UNKNOWN_ROUTE", "This gateway has no such WebSocket."
            ) from None
        if scope["query_string"]:
            raise refusal(
                code_pb2.INVALID_ARGUMENT,
                "INVALID_ARGUMENT",
                "A WebSocket takes no query: send what it would hold as messages.",
            )
        return match


class _GoneError(Exception):
    """The client has left."""


class _Conversation:
    """One open WebSocket and its RPC."""

    def __init__(
        self, binding: Binding, call: Any, receive: Receive, send: Send, *, as_declared: bool
    ) -> None:
        self._binding = binding
        self._call = call
        self._receive = receive
        self._send = send
        self._as_declared = as_declared
        self._bytes_field = bytes_field(binding)

    async def run(self) -> None:
        """Carry messages both ways until the RPC ends. Raises ``_GoneError`` if the client does."""
        listening = asyncio.create_task(self._listen())
        answering = asyncio.create_task(self._answer())
        try:
            await asyncio.wait({listening, answering}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done() and not answering.done():
                failure = listening.result()  # raises if the client has gone
                if failure is not None:
                    await _close(self._send, failure)
                    return
            await _close(self._send, await answering)
        finally:
            for task in (listening, answering):
                task.cancel()
            await asyncio.wait({listening, answering})
            for task in (listening, answering):
                if not task.cancelled():
                    task.exception()  # seen: what matters was raised above

    async def _listen(self) -> RpcFailure | None:
        """Write what the client sends. Return why it may not go on; None once it said all."""
        is_writing = True
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                raise _GoneError
            if not is_writing:
                return malformed("A message came after the empty one, which is the last.")
            try:
                message = self._read(event)
            except RpcFailure as failure:
                return failure
            try:
                if message is None:
                    is_writing = False
                    await self._call.done_writing()
                else:
                    await self._call.write(serialised(message))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await asyncio.Event().wait()  # the RPC has ended: what it says is being sent

    async def _answer(self) -> RpcFailure | None:
        """Send what the RPC answers. Return what it failed with, None if it didn't."""
        try:
            while (message := await self._call.read()) is not END_OF_STREAM:
                body = message_json(self._binding, message, as_declared=self._as_declared)
                await self._send({"type": "websocket.send", "text": body.decode()})
            if await self._call.code() is grpc.StatusCode.OK:
                return None
            return await call_failure(self._call)
        except grpc.aio.AioRpcError as error:
            return failure_of(error)
        except OSError:
            raise _GoneError from None

    def _read(self, event: Event) -> Message | None:
        raw = event.get("bytes")
        if raw is None:
            text = event.get("text") or ""
            return (
                json_message(self._binding, text.encode("utf-8", "surrogatepass")) if text else None
            )
        if self._bytes_field is None:
            raise malformed("This stream takes no binary messages.")
        message = new_request(self._binding)
        setattr(message, self._bytes_field.name, raw)
        return message


def bytes_field(binding: Binding) -> FieldDescriptor | None:
    """Return the one field of bytes that a stream's messages have, None if it is not one."""
    fields = [
        field
        for field in binding.method.input_type.fields
        if field.type == FieldDescriptor.TYPE_BYTES and not field.is_repeated
    ]
    return fields[0] if len(fields) == 1 else None


async def _close(send: Send, failure: RpcFailure | None) -> None:
    """Close with the RPC's end; a failure is told whole in a last message first."""
    if failure is None:
        await send({"type": "websocket.close", "code": CLOSED_OK, "reason": ""})
        return
    body = orjson.dumps({"error": status_json(failure.status)})
    await send({"type": "websocket.send", "text": body.decode()})
    code = CLOSED_BY_CODE + failure.status.code
    reason = failure.reason[:_LONGEST_REASON_BYTES]
    await send({"type": "websocket.close", "code": code, "reason": reason})


async def _deny(send: Send, answer: Answer, request_id: str) -> None:
    headers = (
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        ("x-request-id", request_id),
        *answer.headers,
    )
    await send(
        {
            "type": "websocket.http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        }
    )
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _offered(scope: Event) -> Metadata:
    for entry in scope.get("subprotocols", ()):
        if entry.startswith(KEY_PREFIX):
            return (("x-api-key", entry.removeprefix(KEY_PREFIX)),)
    return ()

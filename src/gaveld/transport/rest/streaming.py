"""Answers of RPCs that stream: newline-delimited JSON, or server-sent events for who asks.

The status is decided by the first message; a failure after it is the stream's last line.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import grpc.aio
import orjson
from google.protobuf.message import Message

from gaveld.transport.rest.answers import StreamedAnswer
from gaveld.transport.rest.bindings import Binding
from gaveld.transport.rest.failures import RpcFailure, failure_of, status_json
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.transcoding import message_json
from gaveld.transport.rest.upstream import serialised

NDJSON: Final = "application/x-ndjson"
EVENTS: Final = "text/event-stream"

END_OF_STREAM: Final[Any] = grpc.aio.EOF  # type: ignore[attr-defined]  # the stubs lack it


async def streamed(
    binding: Binding, request: Message, rpc: Rpc, *, as_events: bool, as_declared: bool
) -> StreamedAnswer:
    """Call a streaming RPC and return its answer. Raises ``RpcFailure`` if it fails at once."""
    messages = _messages(binding, request, rpc, as_declared=as_declared)
    first = await anext(messages, None)
    pieces = _pieces(first, messages, as_events=as_events)
    return StreamedAnswer(pieces, EVENTS if as_events else NDJSON)


async def _messages(
    binding: Binding, request: Message, rpc: Rpc, *, as_declared: bool
) -> AsyncIterator[bytes]:
    async with rpc.stream(binding.path) as call:
        try:
            await call.write(serialised(request))
            await call.done_writing()
            while (message := await call.read()) is not END_OF_STREAM:
                yield message_json(binding, message, as_declared=as_declared)
            if await call.code() is not grpc.StatusCode.OK:
                raise await call_failure(call)
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from None


async def call_failure(call: Any) -> RpcFailure:
    """Return what a stream ended with."""
    metadata = await call.initial_metadata(), await call.trailing_metadata()
    error: Any = grpc.aio.AioRpcError
    return failure_of(error(await call.code(), *metadata, await call.details()))


async def _pieces(
    first: bytes | None, messages: AsyncIterator[bytes], *, as_events: bool
) -> AsyncIterator[bytes]:
    if first is None:
        return
    yield _event(first) if as_events else first + b"\n"
    try:
        async for message in messages:
            yield _event(message) if as_events else message + b"\n"
    except RpcFailure as failure:
        body = orjson.dumps({"error": status_json(failure.status)})
        yield b"event: error\n" + _event(body) if as_events else body + b"\n"


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"

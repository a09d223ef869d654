"""The row of interceptors: its order, in and out, for every kind of RPC."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from gavel.v1 import moderation_service_pb2 as api
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.transport.grpc.call import Call, Method
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.chain import Chain
from gaveld.transport.grpc.interceptors.interceptor import Interceptor
from gaveld.transport.grpc.interceptors.size_limit import reader
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.grpc_stand import Serve, failure_of

MODERATE = "/gavel.v1.ModerationService/ModerateText"
BAD = api.ModerateTextRequest().SerializeToString()
KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


async def test_each_concern_comes_before_the_next(serve: Serve):
    """Law: size, auth, rate limit, validation: mending one fault of a call shows the next."""
    store, limiter = FakeApiKeyStore(), FakeRateLimiter()
    key, secret = new_api_key(project="shop", rate_limit=RateLimit(1, 60))
    await store.add(key)
    await limiter.take(key.id, RateLimit(1, 60))
    running = await serve(
        options=GrpcServerOptions(port=0, max_message_bytes=65_536),
        authenticate=Authenticate(store),
        rate_limiter=limiter,
    )
    mine = (("x-api-key", secret),)

    async def reason(raw: bytes, metadata=()) -> str:
        call = running.channel.unary_unary(MODERATE)(raw, metadata=metadata)
        return (await failure_of(call)).info.reason

    assert await reason(b"\xff" * 70_000) == "MESSAGE_TOO_LARGE"
    assert await reason(b"\xff") == "MALFORMED_MESSAGE"
    assert await reason(BAD) == "API_KEY_MISSING"
    assert await reason(BAD, mine) == "RATE_LIMIT_EXCEEDED"
    limiter.now += 61
    assert await reason(BAD, mine) == "INVALID_ARGUMENT"


async def test_a_full_server_does_not_even_read_a_call(serve: Serve):
    """Law: a call that is sure to be shed is not parsed, whatever is in it."""
    full = GrpcServerOptions(port=0, max_concurrent_calls=0, max_waiting_calls=0)
    running = await serve(options=full)
    for raw in (b"\xff", BAD):
        failure = await failure_of(running.channel.unary_unary(MODERATE)(raw))
        assert failure.info.reason == "SERVER_OVERLOADED"


class Noting(Interceptor):
    """Notes when it is passed; refuses on the way in if told to."""

    def __init__(self, name: str, notes: list[str], *, refuses: bool = False) -> None:
        self._name = name
        self._notes = notes
        self._refuses = refuses

    async def before(self, call: Call) -> None:
        self._notes.append(f"+{self._name}")
        if self._refuses:
            raise RefusedError(Refusal(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "refused"))

    def after(self, call: Call) -> None:
        self._notes.append(f"-{self._name}:{type(call.failure).__name__}")


class AfterOnly(Interceptor):
    """Looks at calls on their way out only."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def after(self, call: Call) -> None:
        self._notes.append("-out")


async def stand(interceptors: list[Interceptor], shape: str, behaviour) -> AsyncIterator:
    """Serve one method of one shape behind a row."""
    method = Method("/t.T/M", "t.T", "M", shape, "moderate")
    factory = getattr(grpc, f"{shape}_rpc_method_handler")
    parse, render = api.ModerateTextRequest.FromString, api.ModerateTextRequest.SerializeToString
    handler = factory(behaviour, reader(parse, 1_000), render)
    server = grpc.aio.server(interceptors=[Chain({method.path: method}, interceptors)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("t.T", {"M": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield getattr(channel, shape)("/t.T/M", render, parse)
    finally:
        await server.stop(None)


async def answers(method, shape: str, *texts: str) -> list[str]:
    """Call with texts and return what comes back."""
    requests = [api.ModerateTextRequest(text=text) for text in texts]
    call = method(iter(requests)) if shape.startswith("stream") else method(requests[0])
    if shape.endswith("unary"):
        return [(await call).text]
    return [message.text async for message in call]


def echo(shape: str, notes: list[str]):
    """Return a behaviour of the shape that echoes what it gets."""

    async def unary(request, _):
        notes.append("served")
        if shape.startswith("stream"):
            return [message async for message in request][-1]
        return request

    async def stream(request, _):
        notes.append("served")
        if shape.startswith("stream"):
            async for message in request:
                yield message
        else:
            yield request

    return unary if shape.endswith("unary") else stream


@pytest.mark.parametrize("shape", KINDS)
async def test_the_row_is_passed_in_order_and_back_in_reverse(shape: str):
    """Law: in by the order, out by its reverse, around any kind of RPC."""
    notes: list[str] = []
    row = [Noting("a", notes), AfterOnly(notes), Noting("b", notes)]
    async for method in stand(row, shape, echo(shape, notes)):
        assert await answers(method, shape, "hi") == ["hi"]
    assert notes == ["+a", "+b", "served", "-b:NoneType", "-out", "-a:NoneType"]


@pytest.mark.parametrize("shape", KINDS)
async def test_a_refusal_turns_around_where_it_was_raised(shape: str):
    """Law: what lies behind a refusal is not reached; what lies before it sees the failure."""
    notes: list[str] = []
    row = [Noting("a", notes), AfterOnly(notes), Noting("b", notes, refuses=True), AfterOnly(notes)]
    async for method in stand(row, shape, echo(shape, notes)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await answers(method, shape, "hi")
        assert caught.value.code() is grpc.StatusCode.ABORTED
    assert notes == ["+a", "+b", "-out", "-a:RefusedError"]


@pytest.mark.parametrize("shape", KINDS)
async def test_a_failure_inside_reaches_every_interceptor(shape: str, logs: LogCapture):
    """Law: whatever kind of RPC fails, the row sees why, and the caller gets a whole status."""

    async def fail(*_: object) -> None:
        raise KeyError("canary")

    notes: list[str] = []
    async for method in stand([Noting("a", notes)], shape, fail):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await answers(method, shape, "hi")
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "canary" not in str(caught.value)
    assert notes == ["+a", "-a:KeyError"]


async def test_a_stream_breaks_at_the_message_that_can_not_be_read():
    """Law: a malformed message in a stream is the caller's fault, after the good ones."""
    notes: list[str] = []
    shape = "stream_stream"
    async for method in stand([Noting("a", notes)], shape, echo(shape, notes)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await answers(method, shape, "good", "x" * 2_000)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert notes[-1] == "-a:RefusedError"


async def test_a_stream_that_its_caller_leaves_is_seen_to_end():
    """Law: cancelling a stream runs the way out too."""
    notes: list[str] = []
    left = asyncio.Event()

    class Ending(Interceptor):
        def after(self, call: Call) -> None:
            notes.append(type(call.failure).__name__)
            left.set()

    async def tell_and_wait(requests, _):
        yield await anext(requests)
        await asyncio.Event().wait()

    async for method in stand([Ending()], "stream_stream", tell_and_wait):
        call = method()
        await call.write(api.ModerateTextRequest(text="hi"))
        assert (await call.read()).text == "hi"
        call.cancel()
        await left.wait()
    assert notes == ["CancelledError"]

"""What happens when more calls come than can be served: a few wait, the rest is shed at once."""

import asyncio

import grpc
from gavel.v1 import moderation_service_pb2 as api
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.application.api_keys import Authenticate
from gaveld.transport.grpc.interceptors.open_streams import MAX_OPEN_STREAMS
from gaveld.transport.grpc.long_texts import LONG_TEXT_CHARACTERS, LONG_TEXTS_AT_ONCE
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.api_keys import FakeApiKeyStore
from tests.integration.grpc_stand import GatedClassifier, Running, Serve, failure_of

OPTIONS = GrpcServerOptions(
    port=0, max_concurrent_calls=2, max_waiting_calls=1, max_wait_seconds=60
)


def moderate(running: Running, text: str = "hello") -> asyncio.Task:
    """Begin a call."""
    call = running.moderation.ModerateText(api.ModerateTextRequest(text=text))

    async def answer() -> api.ModerateTextResponse:
        return await call

    return asyncio.create_task(answer())


async def test_calls_beyond_those_that_wait_are_shed_at_once(serve: Serve):
    """Law: with every place and the line taken, a call is told when to retry; the rest served."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated,), options=OPTIONS)
    taken = [moderate(running) for _ in range(2)]
    await gated.until_waiting(2)
    (shed,), (waiting,) = await asyncio.wait(
        [moderate(running), moderate(running)], return_when=asyncio.FIRST_COMPLETED
    )
    failure = await failure_of(shed)
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.info.reason == "SERVER_OVERLOADED"
    assert failure.retry is not None
    delay_ms = failure.retry.retry_delay.ToMilliseconds()
    assert failure.trailers["grpc-retry-pushback-ms"] == str(delay_ms)
    assert delay_ms > 0
    gated.gate.set()
    answers = await asyncio.gather(*taken, waiting)
    assert len(answers) == 3
    assert len(gated.seen) == 3


async def test_of_three_times_the_load_exactly_what_there_is_room_for_is_served(serve: Serve):
    """Promise: of 3 times as many callers as there is room for, a third is served, the rest told.

    Those are told when to come back, and when they do, all of them are served.
    """
    gated = GatedClassifier()
    options = GrpcServerOptions(
        port=0, max_concurrent_calls=8, max_waiting_calls=4, max_wait_seconds=60
    )
    running = await serve(classifiers=(gated,), options=options)
    capacity = options.max_concurrent_calls + options.max_waiting_calls
    callers = {moderate(running, f"text {number}") for number in range(3 * capacity)}
    shed: set[asyncio.Task] = set()
    while len(shed) < 2 * capacity:
        done, _ = await asyncio.wait(callers - shed, return_when=asyncio.FIRST_COMPLETED)
        shed |= done
    await gated.until_waiting(options.max_concurrent_calls)
    for caller in shed:
        failure = await failure_of(caller)
        assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert failure.info.reason == "SERVER_OVERLOADED"
        assert failure.retry is not None
        delay_ms = failure.retry.retry_delay.ToMilliseconds()
        assert delay_ms > 0
        assert failure.trailers["grpc-retry-pushback-ms"] == str(delay_ms)
    gated.gate.set()
    assert len(await asyncio.gather(*callers - shed)) == capacity
    for wave in range(3):
        again = [moderate(running, f"again {wave} {number}") for number in range(capacity)]
        assert len(await asyncio.gather(*again)) == capacity
    assert len(gated.seen) == 4 * capacity


async def test_messages_that_are_too_many_bytes_together_are_shed(serve: Serve):
    """Law: a few large messages are shed like many small ones, and a small one still gets in."""
    gated = GatedClassifier()
    options = GrpcServerOptions(port=0, max_bytes_in_flight=100_000)
    running = await serve(classifiers=(gated,), options=options)
    taken = moderate(running, "x" * 60_000)
    await gated.until_waiting(1)
    failure = await failure_of(moderate(running, "x" * 60_000))
    assert failure.info.reason == "SERVER_OVERLOADED"
    no_message = running.channel.unary_unary("/gavel.v1.ModerationService/ModerateText")
    failure = await failure_of(no_message(b"\xff" * 60_000))
    assert failure.info.reason == "SERVER_OVERLOADED", "it is not even parsed"
    small = moderate(running, "x")
    await gated.until_waiting(2)
    gated.gate.set()
    assert len(await asyncio.gather(taken, small)) == 2


async def test_few_long_texts_are_judged_at_once_and_short_ones_pass_them(serve: Serve):
    """Law: what long texts take in memory is bounded over all calls; short texts don't wait."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated,))
    long = api.ModerateTextRequest(text="x" * (LONG_TEXT_CHARACTERS + 1))
    batches = [
        asyncio.create_task(_answer(running, api.BatchModerateTextRequest(requests=[long] * 6)))
        for _ in range(2)
    ]
    await gated.until_waiting(LONG_TEXTS_AT_ONCE)
    short = moderate(running, "hello")
    await gated.until_waiting(LONG_TEXTS_AT_ONCE + 1)
    assert gated.seen[-1] == "hello"
    gated.gate.set()
    await short
    for batch in await asyncio.gather(*batches):
        assert [entry.WhichOneof("result") for entry in batch.results] == ["response"] * 6


async def test_open_streams_are_bounded_by_method(serve: Serve):
    """Law: so many may watch at once; who leaves makes room; other methods are not concerned."""
    running = await serve()
    stub = health_pb2_grpc.HealthStub(running.channel)

    def watch() -> grpc.aio.UnaryStreamCall:
        return stub.Watch(health_pb2.HealthCheckRequest())

    watches = [watch() for _ in range(MAX_OPEN_STREAMS)]
    for entry in watches:
        assert (await entry.read()).status == health_pb2.HealthCheckResponse.SERVING
    failure = await failure_of(watch().read())
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.info.reason == "STREAM_LIMIT_EXCEEDED"
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status
    labels = {"grpc_service": "grpc.health.v1.Health", "grpc_method": "Watch"}
    watches.pop().cancel()
    while (
        running.metric("gavel_server_in_flight_calls", grpc_type="server_stream", **labels)
        >= len(watches) + 1
    ):
        await stub.Check(health_pb2.HealthCheckRequest())
    assert (await watch().read()).status == health_pb2.HealthCheckResponse.SERVING


async def _answer(
    running: Running, request: api.BatchModerateTextRequest
) -> api.BatchModerateTextResponse:
    return await running.moderation.BatchModerateText(request)


async def test_shedding_comes_before_the_key_is_looked_up(serve: Serve):
    """Law: a call that is shed costs no look-up; even a caller without a key is only shed."""
    running = await serve(
        authenticate=Authenticate(FakeApiKeyStore()),
        options=GrpcServerOptions(port=0, max_concurrent_calls=0, max_waiting_calls=0),
    )
    failure = await failure_of(moderate(running))
    assert failure.info.reason == "SERVER_OVERLOADED"


async def test_a_call_that_waited_too_long_is_shed(serve: Serve):
    """Law: nobody waits for a place longer than the limit."""
    gated = GatedClassifier()
    options = GrpcServerOptions(
        port=0, max_concurrent_calls=1, max_waiting_calls=1, max_wait_seconds=0.02
    )
    running = await serve(classifiers=(gated,), options=options)
    taken = moderate(running)
    await gated.until_waiting(1)
    failure = await failure_of(moderate(running))
    assert failure.info.reason == "SERVER_OVERLOADED"
    gated.gate.set()
    await taken


async def test_probes_are_answered_under_overload(serve: Serve):
    """Law: an overloaded server is alive and says so; probes take no place."""
    running = await serve(
        options=GrpcServerOptions(port=0, max_concurrent_calls=0, max_waiting_calls=0)
    )
    stub = health_pb2_grpc.HealthStub(running.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING

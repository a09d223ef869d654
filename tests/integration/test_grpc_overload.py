"""What happens when more calls come than can be served: a few wait, the rest is shed at once."""

import asyncio

import grpc
from gavel.v1 import moderation_service_pb2 as api
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.application.api_keys import Authenticate
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

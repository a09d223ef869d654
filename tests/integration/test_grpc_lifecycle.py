"""Going up and down: health, draining, the probes' own port."""

import asyncio

import grpc
import grpc.aio
import pytest
from gavel.v1 import moderation_service_pb2 as api
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.transport.grpc.server import GrpcServerOptions
from tests.integration.grpc_stand import GatedClassifier, Serve, failure_of

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NAMES = (
    "",
    "gavel.v1.ModerationService",
    "gavel.v1.ComplianceService",
    "gavel.v1.CategoryService",
    "gavel.v1.CheckService",
    "gavel.v1.FeedbackService",
)


async def test_health_tells_when_calls_are_wanted(serve: Serve):
    """Law: NOT_SERVING until announced, then SERVING, for the server and each of its services."""
    running = await serve(announce=False)
    stub = health_pb2_grpc.HealthStub(running.channel)

    async def statuses() -> set[int]:
        checks = [stub.Check(health_pb2.HealthCheckRequest(service=name)) for name in NAMES]
        return {(await check).status for check in checks}

    assert await statuses() == {NOT_SERVING}
    assert not running.server.is_serving
    await running.server.announce()
    assert await statuses() == {SERVING}
    assert running.server.is_serving
    listed = await stub.List(health_pb2.HealthListRequest())
    assert {name: entry.status for name, entry in listed.statuses.items()} == dict.fromkeys(
        NAMES, SERVING
    )


async def test_health_does_not_know_services_that_are_not_served(serve: Serve):
    """Law: a service that is not registered is NOT_FOUND to a probe."""
    running = await serve()
    stub = health_pb2_grpc.HealthStub(running.channel)
    request = health_pb2.HealthCheckRequest(service="gavel.v1.PolicyService")
    failure = await failure_of(stub.Check(request))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_sees_the_drain_at_once(serve: Serve):
    """Law: draining says NOT_SERVING before anything else, while calls are still finished."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated,))
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest())
    seen = aiter(watch)
    assert (await anext(seen)).status == SERVING
    call = running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    answer = asyncio.ensure_future(_awaited(call))
    await gated.until_waiting(1)
    draining = asyncio.create_task(running.server.drain(notice_seconds=0, grace_seconds=30))
    assert (await anext(seen)).status == NOT_SERVING
    assert not running.server.is_serving
    with pytest.raises(StopAsyncIteration):
        await anext(seen)
    gated.gate.set()
    assert (await answer).request_id
    await draining


async def test_draining_loses_no_call_that_was_begun(serve: Serve):
    """Law: every call in progress when the drain begins is answered."""
    gated = GatedClassifier()
    options = GrpcServerOptions(port=0, max_concurrent_calls=50)
    running = await serve(classifiers=(gated,), options=options)
    request = api.ModerateTextRequest(text="hello")
    calls = [
        asyncio.ensure_future(_awaited(running.moderation.ModerateText(request))) for _ in range(50)
    ]
    await gated.until_waiting(50)
    draining = asyncio.create_task(running.server.drain(notice_seconds=0, grace_seconds=30))
    gated.gate.set()
    answers = await asyncio.gather(*calls)
    assert len(answers) == 50
    await draining


async def test_calls_are_still_taken_during_the_notice(serve: Serve):
    """Law: after NOT_SERVING calls are served for the length of the notice: nobody is cut off."""
    running = await serve()
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest())
    seen = aiter(watch)
    assert (await anext(seen)).status == SERVING
    draining = asyncio.create_task(running.server.drain(notice_seconds=60, grace_seconds=0))
    assert (await anext(seen)).status == NOT_SERVING
    answer = await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    assert answer.request_id
    draining.cancel()


async def test_the_end_of_the_grace_ends_calls(serve: Serve):
    """Law: a call that outlives the grace is ended, so that the server stops in time."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated,))
    call = running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    answer = asyncio.ensure_future(_awaited(call))
    await gated.until_waiting(1)
    await running.server.drain(notice_seconds=0, grace_seconds=0.05)
    with pytest.raises(grpc.aio.AioRpcError):
        await answer
    await gated.until_waiting(0)


async def test_probes_have_a_port_of_their_own(serve: Serve):
    """Law: the health port serves health, in plain text, and nothing else."""
    running = await serve(options=GrpcServerOptions(port=0, health_port=0))
    assert running.ports.health not in (None, running.ports.grpc)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.ports.health}") as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == SERVING
        failure = await failure_of(
            channel.unary_unary("/gavel.v1.ModerationService/ModerateText")(b"")
        )
        assert failure.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_taken_port_is_refused(serve: Serve):
    """Law: a server never shares a port in silence."""
    running = await serve()
    with pytest.raises(RuntimeError):
        await serve(options=GrpcServerOptions(port=running.ports.grpc))


async def _awaited(call: grpc.aio.UnaryUnaryCall) -> api.ModerateTextResponse:
    return await call

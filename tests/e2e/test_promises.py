"""ENGINEERING's promises on restarts and shutdown, kept by real processes under load."""

import asyncio

import grpc
import grpc.aio
from gavel.service_config import channel_options
from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from gavel.v1.moderation_service_pb2_grpc import ModerationServiceStub
from gavel.v1.verdict_pb2 import CLASSIFIER_STATUS_RAN
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.e2e.command import gavel
from tests.e2e.conftest import until_metric

CLIENTS = 4
CALLERS_EACH = 25
CALLS_EACH = 20
CALLS = CLIENTS * CALLERS_EACH * CALLS_EACH


async def test_a_rolling_restart_loses_no_call(serve):
    """Promise: of 2,000 calls by 100 callers none fails while one of two servers is stopped."""
    roomy = {"GAVEL_GRPC__MAX_WAITING_CALLS": "200", "GAVEL_GRPC__MAX_WAIT_SECONDS": "20"}
    leaving, staying = await asyncio.gather(serve(**roomy), serve(**roomy))
    target = f"ipv4:{leaving.address},{staying.address}"
    done: set[str] = set()
    in_mid_load = asyncio.Event()

    async def call_again_and_again(stub: ModerationServiceStub, caller: str) -> None:
        for turn in range(CALLS_EACH):
            content_id = f"{caller}/{turn}"
            request = ModerateTextRequest(text="good morning to all", content_id=content_id)
            response = await stub.ModerateText(request, timeout=60)
            assert response.content_id == content_id
            done.add(content_id)
            if len(done) >= CALLS // 3:
                in_mid_load.set()

    async def client(number: int) -> None:
        own_connections = ("grpc.use_local_subchannel_pool", 1)
        options = [*channel_options(), own_connections]
        async with grpc.aio.insecure_channel(target, options) as channel:
            stub = ModerationServiceStub(channel)
            callers = (f"{number}/{caller}" for caller in range(CALLERS_EACH))
            await asyncio.gather(*(call_again_and_again(stub, caller) for caller in callers))

    async def restart_in_mid_load() -> int:
        await in_mid_load.wait()
        leaving.terminate()
        return await leaving.exit_status()

    status, *_ = await asyncio.gather(restart_in_mid_load(), *map(client, range(CLIENTS)))
    assert status == 0
    assert len(done) == CALLS


async def test_sigterm_is_not_serving_at_once_and_finishes_what_it_began(server):
    """Promise: on SIGTERM health says NOT_SERVING, the call in flight is answered, exit is 0."""
    long_text = "an ordinary sentence about the weather. " * 20_000
    async with grpc.aio.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stub = ModerationServiceStub(channel)
        in_flight = stub.ModerateText(ModerateTextRequest(text=long_text), timeout=60)
        # Of this method: the watch is a call in flight too.
        await until_metric(
            server, "gavel_server_in_flight_calls", at_least=1, grpc_method="ModerateText"
        )
        server.terminate()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not in_flight.done()
        watch.cancel()
        response = await in_flight
    assert {entry.status for entry in response.classifier_outcomes} == {CLASSIFIER_STATUS_RAN}
    assert await server.exit_status() == 0


async def test_a_second_server_on_the_port_says_so_and_ends(serve, server):
    """Law: a server that can't have its port ends with a message that names it, and no trace."""
    others = {"GAVEL_OPS__PORT": "0", "GAVEL_REST__PORT": "0"}
    environment = {"GAVEL_GRPC__PORT": str(server.port), **others}
    result = await gavel("serve", environment=environment)
    assert result.status == 2
    assert str(server.port) in result.errors
    assert "Traceback" not in result.errors

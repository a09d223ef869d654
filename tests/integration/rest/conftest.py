"""The gateway in front of the probe, on free loopback ports, and what it counted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from gaveld.transport.rest import (
    ContractSurface,
    Gateway,
    GatewayOptions,
    RestMetrics,
    RestServer,
    RestServerOptions,
    Upstream,
    UpstreamOptions,
)
from gaveld.transport.rest.surfaces import Surface
from tests.conformance.probe import ProbeServer, descriptor_set, probe_service


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe's descriptor set."""
    return descriptor_set(tmp_path_factory.mktemp("probe"))


@pytest.fixture
async def probe(image: Path) -> AsyncIterator[ProbeServer]:
    """A gRPC server of the probe, not started."""
    server = ProbeServer(probe_service(image))
    yield server
    await server.stop()


@dataclass
class Rest:
    """A gateway that serves, and a client of it."""

    client: httpx2.AsyncClient
    server: RestServer
    port: int
    registry: CollectorRegistry
    gateway: Gateway

    def metric(self, name: str, **labels: str) -> float:
        """Return a sample's value, 0 if there is none."""
        return self.registry.get_sample_value(name, labels) or 0.0


ServeRest = Callable[..., Awaitable[Rest]]


@pytest.fixture
async def serve_rest(probe: ProbeServer) -> AsyncIterator[ServeRest]:
    """Start gateways in front of the probe; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            options: GatewayOptions | None = None,
            server_options: dict[str, Any] | None = None,
            dialects: tuple[Surface, ...] = (),
            targets: tuple[str, ...] = (),
            service_config: str = "",
        ) -> Rest:
            if not targets:
                targets = (f"127.0.0.1:{await probe.start()}",)
            upstream = Upstream(UpstreamOptions(targets, service_config=service_config))
            stack.push_async_callback(upstream.close)
            registry = CollectorRegistry()
            gateway = Gateway(
                options or GatewayOptions(),
                ContractSurface([probe.service]),
                upstream,
                RestMetrics(registry),
                dialects,
            )
            server = RestServer(RestServerOptions(**{"port": 0, **(server_options or {})}), gateway)
            port = await server.start()
            stack.push_async_callback(server.stop)
            client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}")
            await stack.enter_async_context(client)
            return Rest(client, server, port, registry, gateway)

        yield start


@pytest.fixture
async def rest(serve_rest: ServeRest) -> Rest:
    """A gateway with the defaults."""
    return await serve_rest()

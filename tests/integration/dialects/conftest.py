"""A real server, with the gateway and some dialects in front of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
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
    contract_services,
)
from gaveld.transport.rest.surfaces import Surface
from tests.integration.grpc_stand import Running, Serve


@dataclass
class Served:
    """A gateway at ``url``, a client of it, and the server behind it."""

    url: str
    client: httpx2.AsyncClient
    running: Running
    registry: CollectorRegistry


ServeDialects = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve_dialects(serve: Serve) -> AsyncIterator[ServeDialects]:
    """Start gateways that serve dialects; what else is named goes to the server behind."""
    async with AsyncExitStack() as stack:

        async def start(
            *dialects: Surface, gateway_options: GatewayOptions | None = None, **parts: Any
        ) -> Served:
            running = await serve(**parts)
            upstream = Upstream(UpstreamOptions((f"127.0.0.1:{running.ports.grpc}",)))
            stack.push_async_callback(upstream.close)
            registry = CollectorRegistry()
            gateway = Gateway(
                gateway_options or GatewayOptions(),
                ContractSurface(contract_services()),
                upstream,
                RestMetrics(registry),
                dialects,
            )
            server = RestServer(RestServerOptions(port=0), gateway)
            url = f"http://127.0.0.1:{await server.start()}"
            stack.push_async_callback(server.stop)
            client = httpx2.AsyncClient(base_url=url, timeout=60)
            await stack.enter_async_context(client)
            return Served(url, client, running, registry)

        yield start

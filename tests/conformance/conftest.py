"""The probe behind the gateway and behind Envoy, and a client of either."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

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
from tests.conformance.envoy import RunningEnvoy, running_envoy
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


@pytest.fixture
async def gateway(probe: ProbeServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in front of a started probe."""
    port = await probe.start()
    upstream = Upstream(UpstreamOptions((f"127.0.0.1:{port}",)))
    contract = ContractSurface([probe.service])
    served = Gateway(GatewayOptions(), contract, upstream, RestMetrics(CollectorRegistry()))
    server = RestServer(RestServerOptions(port=0), served)
    rest_port = await server.start()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{rest_port}") as client:
        yield client
    await server.stop()
    await upstream.close()


@pytest.fixture(scope="session")
def envoy_server(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEnvoy]:
    """Envoy with the probe's descriptor set, in front of a port that tests may serve."""
    with running_envoy(image, ["probe.v1.Probe"], tmp_path_factory.mktemp("envoy")) as running:
        yield running

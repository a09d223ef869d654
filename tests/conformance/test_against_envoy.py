"""The gateway against Envoy: the same requests to both, the same answers or a reason why not."""

import json
from collections.abc import AsyncIterator
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
from tests.conformance.envoy import RunningEnvoy
from tests.conformance.probe import ProbeServer
from tests.conformance.requests import ALIKE, UNLIKE, Sent

Answered = tuple[int, Any]


@pytest.fixture
async def both(
    probe: ProbeServer, envoy_server: RunningEnvoy
) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Clients of the gateway and of Envoy, which call one server."""
    await probe.start(f"127.0.0.1:{envoy_server.target_port}")
    upstream = Upstream(UpstreamOptions((f"127.0.0.1:{envoy_server.target_port}",)))
    gateway = Gateway(
        GatewayOptions(),
        ContractSurface([probe.service]),
        upstream,
        RestMetrics(CollectorRegistry()),
    )
    server = RestServer(RestServerOptions(port=0), gateway)
    url = f"http://127.0.0.1:{await server.start()}"
    async with (
        httpx2.AsyncClient(base_url=url) as ours,
        httpx2.AsyncClient(base_url=envoy_server.url) as theirs,
    ):
        # Envoy notices in its own time that the server of the last test is gone.
        async with httpx2.AsyncClient(base_url=envoy_server.url) as waiting:
            while (await waiting.get("/probe/query")).status_code != 200:
                pass
        probe.requests.clear()
        yield ours, theirs
    await server.stop()
    await upstream.close()


async def test_both_answer_alike(both, probe):
    """Law: status and JSON are Envoy's, and so is the message that the server gets."""
    ours, theirs = both
    differences = []
    for sent in ALIKE:
        answers = [await answered(client, sent) for client in (ours, theirs)]
        if answers[0] != answers[1]:
            differences.append((str(sent), *answers))
        if answers[0][0] == 200:
            one, other = probe.requests[-2:]
            assert one == other, sent
    assert differences == []


async def test_both_answer_as_the_guide_says(both):
    """Law: where the two differ, they differ as `docs/gateway.md` says."""
    ours, theirs = both
    found = {
        sent: tuple([(await answered(client, sent))[0] for client in (ours, theirs)])
        for sent in UNLIKE
    }
    assert found == UNLIKE


async def answered(client: httpx2.AsyncClient, sent: Sent) -> Answered:
    """Return status and JSON. What is refused unread has a text of its own, which is left out."""
    response = await client.request(sent.method, sent.path, content=sent.body, headers=sent.headers)
    if response.headers.get("content-type", "").startswith("application/json"):
        content = json.loads(response.content or "{}")
        is_own = any(entry.get("domain") == "gavel" for entry in content.get("details", []))
        return response.status_code, None if is_own else content
    if response.status_code != 200:
        return response.status_code, None
    return response.status_code, response.content

"""The plain HTTP of whoever runs the server."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter

from gaveld.transport.ops.server import OpsServer

Fetch = Callable[[str], Awaitable[httpx2.Response]]


@pytest.fixture
def ready() -> list[bool]:
    """Hold whether the server behind is ready."""
    return [True]


@pytest.fixture
async def fetch(ready: list[bool]) -> AsyncIterator[Fetch]:
    """Get a path of an ops server whose registry has one counter."""
    registry = CollectorRegistry()
    Counter("gavel_test_total", "A counter.", registry=registry).inc(3)
    server = OpsServer("127.0.0.1", 0, registry, is_ready=lambda: ready[0])
    port = await server.start()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client.get
    await server.stop()


async def test_metrics_are_exposed(fetch: Fetch):
    """Law: /metrics is what Prometheus reads."""
    answer = await fetch("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "gavel_test_total 3.0" in answer.text


async def test_readiness_follows_the_server(fetch: Fetch, ready: list[bool]):
    """Law: /readyz is 200 while calls are wanted and 503 otherwise; /livez is 200 all the same."""
    assert (await fetch("/readyz")).status_code == 200
    ready[0] = False
    assert (await fetch("/readyz")).status_code == 503
    assert (await fetch("/livez")).status_code == 200


async def test_other_paths_are_not_there(fetch: Fetch):
    """Law: the port serves three paths."""
    assert (await fetch("/")).status_code == 404


async def test_signals_stay_with_the_process():
    """Law: starting and stopping the listener changes no signal handler."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    server = OpsServer("127.0.0.1", 0, CollectorRegistry(), is_ready=lambda: True)
    await server.start()
    during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    await server.stop()
    await server.stop()
    assert before == during


async def test_a_taken_port_is_refused():
    """Law: a port that another holds is an error at the start."""
    first = OpsServer("127.0.0.1", 0, CollectorRegistry(), is_ready=lambda: True)
    port = await first.start()
    second = OpsServer("127.0.0.1", port, CollectorRegistry(), is_ready=lambda: True)
    with pytest.raises(OSError, match="Address already in use"):
        await second.start()
    await first.stop()

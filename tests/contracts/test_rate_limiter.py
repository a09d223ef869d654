"""One suite for every ``RateLimiter``, then what the one in Redis promises of replicas."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.redis.limits import RedisRateLimiter
from gaveld.application.ports import RateLimit, RateLimiter
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.redis_server import Watched, linked, running_redis


@pytest.fixture(params=["fake", "memory", "redis", "redis down"])
async def limiter(request) -> AsyncIterator[RateLimiter]:
    match request.param:
        case "fake":
            yield FakeRateLimiter()
        case "memory":
            yield MemoryRateLimiter()
        case where:
            async with running_redis() as server:
                if where == "redis down":
                    await server.kill()
                async with linked(server) as link:
                    yield RedisRateLimiter(link, MemoryRateLimiter())
                    assert link.is_up == (where == "redis")


LIMIT = RateLimit(3, 60)


async def test_the_allowance_is_granted_and_no_more(limiter: RateLimiter):
    """Law: exactly ``calls`` are granted in a window, and a refusal says how long to wait."""
    assert [await limiter.take("a", LIMIT) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 0 < await limiter.take("a", LIMIT) <= 60


async def test_keys_do_not_share_an_allowance(limiter: RateLimiter):
    """Law: one caller's flood does not cost another a call."""
    for _ in range(4):
        await limiter.take("a", LIMIT)
    assert await limiter.take("b", LIMIT) == 0.0


async def test_a_refused_call_is_not_counted(limiter: RateLimiter):
    """Law: asking again while refused does not put off the end of the wait."""
    for _ in range(3):
        await limiter.take("a", LIMIT)
    first = await limiter.take("a", LIMIT)
    assert await limiter.take("a", LIMIT) <= first


async def test_replicas_share_an_allowance():
    """Law: of calls to several replicas at once, together exactly ``calls`` are granted."""
    metrics = Watched()
    async with (
        running_redis() as server,
        linked(server, metrics) as one,
        linked(server, metrics) as two,
    ):
        replicas = [RedisRateLimiter(link, MemoryRateLimiter()) for link in (one, two)]
        waits = await asyncio.gather(
            *(replica.take("a", RateLimit(20)) for replica in replicas for _ in range(30))
        )
    assert waits.count(0.0) == 20
    assert all(0 < wait <= 60 for wait in waits if wait)
    assert metrics.missed("rate_limits") == 0


async def test_the_window_moves():
    """Law: a call is allowed again when the wait that was told is over, and never much later."""
    async with running_redis() as server, linked(server) as link:
        limiter = RedisRateLimiter(link, MemoryRateLimiter())
        limit = RateLimit(2, 1)
        assert [await limiter.take("a", limit) for _ in range(2)] == [0.0, 0.0]
        while wait := await limiter.take("a", limit):
            assert wait <= 1
        assert len(await server.names()) == 1


async def test_keys_hold_no_caller():
    """Law: who calls can't be read from the names in Redis, and they start with the prefix."""
    async with running_redis() as server, linked(server) as link:
        await RedisRateLimiter(link, MemoryRateLimiter()).take("canary", LIMIT)
        (name,) = await server.names()
    assert name.startswith(b"test:limit:")
    assert b"canary" not in name

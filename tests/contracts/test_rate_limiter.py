"""One suite for every ``RateLimiter``, then what the one in Redis promises of replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime

import pytest

from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.redis.limits import RedisRateLimiter
from gaveld.application.ports import Period, Quota, RateLimit, RateLimiter
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


async def test_a_quota_is_granted_and_no_more(limiter: RateLimiter):
    """Law: exactly ``calls`` are granted in a period, each key's own, beside any rate limit."""
    quota = Quota(3, Period.MONTH)
    assert [await limiter.draw("a", quota) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 0 < await limiter.draw("a", quota) <= 31 * 86_400
    assert await limiter.draw("b", quota) == 0.0
    assert await limiter.take("a", LIMIT) == 0.0


@pytest.mark.parametrize(
    ("now", "period", "name", "left"),
    [
        ("2026-11-22T00:00:00", Period.DAY, "2026-11-22", 86_400),
        ("2026-11-22T23:59:59.5", Period.DAY, "2026-11-22", 0.5),
        ("2026-11-30T12:00:00", Period.MONTH, "2026-11", 43_200),
        ("2028-02-01T00:00:00", Period.MONTH, "2028-02", 29 * 86_400),
        ("2026-12-31T23:59:59", Period.MONTH, "2026-12", 1),
    ],
)
def test_periods_are_the_calendars(now: str, period: Period, name: str, left: float):
    """Law: a period is a day or a month in UTC, of whatever length, to its very end."""
    assert Quota(1, period).now(datetime.fromisoformat(f"{now}Z").timestamp()) == (name, left)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_a_quota_begins_anew_with_the_next_period(is_shared: bool):
    """Law: when the wait that was told is over, all of the quota is there again."""
    now, quota = 1_795_391_999.0, Quota(2, Period.DAY)  # a second before midnight
    async with AsyncExitStack() as stack:
        limiter: RateLimiter = MemoryRateLimiter(lambda: now)
        if is_shared:
            server = await stack.enter_async_context(running_redis())
            link = await stack.enter_async_context(linked(server))
            limiter = RedisRateLimiter(link, limiter, lambda: now)
        assert [await limiter.draw("a", quota) for _ in range(3)] == [0.0, 0.0, 1.0]
        now += 1
        assert [await limiter.draw("a", quota) for _ in range(3)] == [0.0, 0.0, 86_400.0]


async def test_replicas_share_a_quota():
    """Law: of calls to several replicas at once, together exactly ``calls`` are granted."""
    metrics, quota = Watched(), Quota(20, Period.MONTH)
    async with (
        running_redis() as server,
        linked(server, metrics) as one,
        linked(server, metrics) as two,
    ):
        replicas = [RedisRateLimiter(link, MemoryRateLimiter()) for link in (one, two)]
        waits = await asyncio.gather(
            *(replica.draw("canary", quota) for replica in replicas for _ in range(30))
        )
        (name,) = await server.names()
    assert waits.count(0.0) == 20
    assert b"canary" not in name
    assert metrics.missed("rate_limits") == 0


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

"""What happens when a real Redis is killed, hangs, or lets nobody in: local limits, no wait."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.redis.limits import RedisRateLimiter
from gaveld.adapters.redis.link import FAILURES_TO_DOWN, RedisLink, RedisMissed
from gaveld.adapters.redis.metrics import RedisState, RedisUse
from gaveld.application.ports import RateLimit, RateLimiter
from tests.redis_server import Watched, linked, running_redis

CALLERS, CALLS = 16, 60


async def flood(limiters: list[RateLimiter], limit: RateLimit, on_call: asyncio.Event) -> list:
    """Take many times at once, in turns from each limiter, and return every answer."""

    async def caller(number: int) -> list[float]:
        waits = []
        for _ in range(CALLS):
            waits.append(await limiters[number % len(limiters)].take("a", limit))
            on_call.set()
        return waits

    return [wait for waits in await asyncio.gather(*map(caller, range(CALLERS))) for wait in waits]


async def test_a_redis_killed_in_mid_load_costs_no_call():
    """Law: every call is answered; each replica then grants the allowance by itself, no more."""
    limit = RateLimit(100, 3_600)
    one, two = Watched(), Watched()
    async with running_redis() as server, linked(server, one) as left, linked(server, two) as right:
        limiters = [RedisRateLimiter(link, MemoryRateLimiter()) for link in (left, right)]
        begun = asyncio.Event()
        load = asyncio.create_task(flood(limiters, limit, begun))
        await begun.wait()
        await server.kill()
        waits = await load
        assert len(waits) == CALLERS * CALLS
        assert all(0 <= wait <= 3_600 for wait in waits)
        assert 2 * limit.calls <= waits.count(0.0) <= 3 * limit.calls
        for metrics in (one, two):
            await metrics.becomes(RedisState.DOWN)
            assert metrics.missed("rate_limits") > 0


async def test_a_redis_that_comes_back_is_shared_again():
    """Law: the state is shown and logged once a change, and replicas count together as before."""
    metrics = Watched()
    with capture_logs() as logs:
        async with running_redis() as server, linked(server, metrics) as link:
            limiters = [RedisRateLimiter(link, MemoryRateLimiter()) for _ in "ab"]
            await server.kill()
            for limiter in 5 * limiters:
                assert await limiter.take("a", RateLimit(5)) == 0.0
            await server.start()
            await metrics.becomes(RedisState.UP)
            waits = [await limiter.take("a", RateLimit(6)) for limiter in 5 * limiters]
    assert waits.count(0.0) == 6
    assert metrics.seen == [RedisState.OFF, RedisState.UP, RedisState.DOWN, RedisState.UP]
    assert [line["event"] for line in logs] == ["redis_up", "redis_down", "redis_up"]


async def test_a_redis_that_is_down_is_not_asked():
    """Law: while Redis is down no call is put to it, and each is counted."""
    metrics, asked = Watched(), 0

    async def question() -> None:
        nonlocal asked
        asked += 1

    async with running_redis() as server:
        await server.kill()
        async with linked(server, metrics) as link:
            for _ in range(4):
                with pytest.raises(RedisMissed):
                    await link.ask(RedisUse.VERDICTS, question)
    assert asked == 0
    assert metrics.missed("verdicts") == 4


async def test_a_redis_that_hangs_is_given_up():
    """Law: after a few waits of the timeout's length no call waits any more."""
    metrics = Watched()
    async with running_redis() as server, linked(server, metrics, timeout_seconds=0.02) as link:
        server.freeze()
        for _ in range(FAILURES_TO_DOWN):
            assert link.is_up
            assert await link.get(RedisUse.ANSWERS, "a") is None
        assert not link.is_up
        assert metrics.seen[-1] is RedisState.DOWN
        assert metrics.missed("answers") == FAILURES_TO_DOWN


async def test_one_failure_is_no_outage():
    """Law: failures count in a row; an answer between them starts the count again."""

    async def refused() -> None:
        raise ConnectionError

    async with running_redis() as server, linked(server) as link:
        for _ in range(2 * FAILURES_TO_DOWN):
            with pytest.raises(RedisMissed):
                await link.ask(RedisUse.ANSWERS, refused)
            await link.put(RedisUse.ANSWERS, "a", b"b", 60)
        assert link.is_up
        assert await link.get(RedisUse.ANSWERS, "a") == b"b"


async def test_the_password_is_read_when_it_changes(tmp_path: Path):
    """Law: a wrong password is Redis down, and no error; a right one in the file mends it."""
    file, metrics = tmp_path / "password", Watched()
    file.write_text("wrong\n")
    with capture_logs() as logs:
        async with (
            running_redis("--requirepass", "right-canary") as server,
            linked(server, metrics, password_file=file) as link,
        ):
            assert not link.is_up
            file.write_text("right-canary\n")
            await metrics.becomes(RedisState.UP)
            await link.put(RedisUse.ANSWERS, "a", b"b", 60)
            assert await link.get(RedisUse.ANSWERS, "a") == b"b"
    assert "canary" not in repr(logs)


async def test_a_client_that_fails_unforeseen_is_redis_missing():
    """Law: whatever the client raises, callers have their own without Redis, and no error."""

    async def faulty() -> None:
        raise AttributeError("a secret")

    metrics = Watched()
    async with running_redis() as server, linked(server, metrics) as link:
        for _ in range(FAILURES_TO_DOWN):
            with pytest.raises(RedisMissed):
                await link.ask(RedisUse.ANSWERS, faulty)
        assert metrics.seen[-1] is RedisState.DOWN
        assert metrics.missed("answers") == FAILURES_TO_DOWN


async def test_a_probe_that_fails_unforeseen_is_made_again(monkeypatch: pytest.MonkeyPatch):
    """Law: whatever the client raises, a start does not fail, and Redis is asked until it is up."""
    metrics, faults = Watched(), [ValueError("a secret"), AttributeError("a secret")]
    async with asyncio.timeout(60), running_redis() as server:
        link = RedisLink(
            server.url, metrics, timeout_seconds=5, key_prefix="test:", probe_seconds=0.01
        )
        ping = link.client.ping

        async def faulty() -> None:
            if faults:
                raise faults.pop()
            await ping()

        monkeypatch.setattr(link.client, "ping", faulty)
        await link.open()
        try:
            assert not link.is_up
            await metrics.becomes(RedisState.UP)
        finally:
            await link.close()
    assert faults == []


async def test_an_unopened_link_closes():
    """Law: a server that fails before it reached for Redis unwinds without a word."""
    link = RedisLink("redis://127.0.0.1:1", Watched(), timeout_seconds=1, key_prefix="")
    await link.close()
    assert not link.is_up

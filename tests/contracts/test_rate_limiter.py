"""One suite for every ``RateLimiter``."""

import pytest

from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.application.ports import RateLimit, RateLimiter
from tests.fakes.rate_limiter import FakeRateLimiter


@pytest.fixture(params=[FakeRateLimiter, MemoryRateLimiter])
def limiter(request) -> RateLimiter:
    return request.param()


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

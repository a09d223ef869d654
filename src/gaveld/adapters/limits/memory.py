"""Counts calls per key in this process's memory: over a moving window, and by the calendar."""

import time
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from gaveld.application.ports import Quota, RateLimit


class MemoryRateLimiter:
    """A ``RateLimiter`` for one replica; its counts are lost when the process ends."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._clock = clock
        self._drawn: dict[tuple[str, Quota], tuple[str, int]] = {}

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call; see ``RateLimiter.take``."""
        item = RateLimitItemPerSecond(limit.calls, limit.per_seconds)
        if await self._limiter.hit(item, key):
            return 0.0
        stats = await self._limiter.get_window_stats(item, key)
        return max(0.001, stats.reset_time - time.time())

    async def draw(self, key: str, quota: Quota) -> float:
        """Take one call from a quota; see ``RateLimiter.draw``."""
        period, seconds_left = quota.now(self._clock())
        of, drawn = self._drawn.get((key, quota), (period, 0))
        if of != period:
            drawn = 0
        if drawn >= quota.calls:
            return seconds_left
        self._drawn[key, quota] = (period, drawn + 1)
        return 0.0

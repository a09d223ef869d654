"""Counts calls per key in this process's memory, over a moving window."""

import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from gaveld.application.ports import RateLimit


class MemoryRateLimiter:
    """A ``RateLimiter`` for one replica; its counts are lost when the process ends."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call; see ``RateLimiter.take``."""
        item = RateLimitItemPerSecond(limit.calls, limit.per_seconds)
        if await self._limiter.hit(item, key):
            return 0.0
        stats = await self._limiter.get_window_stats(item, key)
        return max(0.001, stats.reset_time - time.time())

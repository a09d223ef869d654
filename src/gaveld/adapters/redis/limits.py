"""Counts calls per key in Redis for all replicas: over a moving window, and by the calendar."""

import hashlib
import math
import time
from collections.abc import Callable
from typing import Final

from gaveld.adapters.redis.link import RedisLink, RedisMissed
from gaveld.adapters.redis.metrics import RedisUse
from gaveld.application.ports import Quota, RateLimit, RateLimiter

# By the server's clock, so that replicas' own need not agree. The list holds the microseconds at
# which the last calls were granted, the newest first, and no more of them than may be granted.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local calls, window = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('LLEN', KEYS[1]) >= calls then
  local wait = redis.call('LINDEX', KEYS[1], calls - 1) + window - now
  if wait > 0 then return wait end
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, calls - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return 0
"""

_DRAW: Final = """
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
KEPT_LONGER_SECONDS: Final = 3_600
"""How long counts outlast their period, so that replicas whose clocks differ never count anew."""


class RedisRateLimiter:
    """A ``RateLimiter`` for all replicas together; ``local`` counts for this one without Redis.

    One question a call, and none of them adds to another key's. What was counted on one side of an
    outage is not known on the other.
    """

    def __init__(
        self, link: RedisLink, local: RateLimiter, clock: Callable[[], float] = time.time
    ) -> None:
        self._link = link
        self._local = local
        self._clock = clock
        self._take = link.client.register_script(_TAKE)
        self._draw = link.client.register_script(_DRAW)

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call; see ``RateLimiter.take``."""
        name = self._name(key, limit)
        window = 1_000_000 * limit.per_seconds
        try:
            wait: int = await self._link.ask(
                RedisUse.RATE_LIMITS, lambda: self._take(keys=[name], args=[limit.calls, window])
            )
        except RedisMissed:
            return await self._local.take(key, limit)
        return wait / 1_000_000

    async def draw(self, key: str, quota: Quota) -> float:
        """Take one call from a quota; see ``RateLimiter.draw``."""
        period, seconds_left = quota.now(self._clock())
        name = f"{self._link.key_prefix}quota:{_digest(key)}:{quota}:{period}"
        kept_seconds = math.ceil(seconds_left) + KEPT_LONGER_SECONDS
        try:
            is_granted: int = await self._link.ask(
                RedisUse.RATE_LIMITS,
                lambda: self._draw(keys=[name], args=[quota.calls, kept_seconds]),
            )
        except RedisMissed:
            return await self._local.draw(key, quota)
        return 0.0 if is_granted else seconds_left

    def _name(self, key: str, limit: RateLimit) -> str:
        window = f"{limit.calls}/{limit.per_seconds}"
        return f"{self._link.key_prefix}limit:{_digest(key)}:{window}"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]

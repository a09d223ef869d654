"""Counts calls per key in Redis, over a moving window that all replicas share."""

import hashlib
from typing import Final

from gaveld.adapters.redis.link import RedisLink, RedisMissed
from gaveld.adapters.redis.metrics import RedisUse
from gaveld.application.ports import RateLimit, RateLimiter

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


class RedisRateLimiter:
    """A ``RateLimiter`` for all replicas together; ``local`` counts for this one without Redis.

    One question a call, and none of them adds to another key's. What was counted on one side of an
    outage is not known on the other.
    """

    def __init__(self, link: RedisLink, local: RateLimiter) -> None:
        self._link = link
        self._local = local
        self._take = link.client.register_script(_TAKE)

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

    def _name(self, key: str, limit: RateLimit) -> str:
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        return f"{self._link.key_prefix}limit:{digest}:{limit.calls}/{limit.per_seconds}"

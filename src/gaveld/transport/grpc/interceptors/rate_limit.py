"""Holds each API key to its allowance of calls; a batch counts as one, and so does a turn."""

from gaveld.application.ports import RateLimiter
from gaveld.domain.errors import ErrorReason, ResourceExhausted
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class RateLimits(Interceptor):
    """Takes one call from the key's rate, then from its quota. A key may have either, or none.

    So what the rate refuses is not off the quota. No key has no limit.
    """

    def __init__(self, limiter: RateLimiter | None) -> None:
        self._limiter = limiter

    async def before(self, call: Call) -> None:
        """Take a call. Raises ``ResourceExhausted`` that says when there is one again."""
        await self.take(call)

    async def take(self, call: Call) -> None:
        """Take one more call from the allowance of this call's key, for a turn of a stream."""
        if self._limiter is None or call.key is None:
            return
        if limit := call.key.rate_limit:
            wait_seconds = await self._limiter.take(call.key.id, limit)
            if wait_seconds > 0:
                rate = f"{limit.calls} calls in {limit.per_seconds} s"
                raise _exceeded(rate, f"{limit.calls}/{limit.per_seconds}s", wait_seconds)
        if quota := call.key.quota:
            wait_seconds = await self._limiter.draw(call.key.id, quota)
            if wait_seconds > 0:
                rate = f"{quota.calls} calls in a {quota.period} (UTC)"
                raise _exceeded(rate, str(quota), wait_seconds)


def _exceeded(rate: str, limit: str, wait_seconds: float) -> ResourceExhausted:
    return ResourceExhausted(
        ErrorReason.RATE_LIMIT_EXCEEDED,
        f"The API key may make {rate}; try again in {wait_seconds:.3f} s.",
        metadata={"scope": "key", "limit": limit},
        retry_after_seconds=wait_seconds,
    )

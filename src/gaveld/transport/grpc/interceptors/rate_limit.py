"""Holds each API key to its allowance of calls; a batch counts as one, and so does a turn."""

from gaveld.application.ports import RateLimiter
from gaveld.domain.errors import ErrorReason, ResourceExhausted
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class RateLimits(Interceptor):
    """Takes one call from the key's allowance. Keys without a limit, and no key, have none."""

    def __init__(self, limiter: RateLimiter | None) -> None:
        self._limiter = limiter

    async def before(self, call: Call) -> None:
        """Take a call. Raises ``ResourceExhausted`` that says when there is one again."""
        await self.take(call)

    async def take(self, call: Call) -> None:
        """Take one more call from the allowance of this call's key, for a turn of a stream."""
        if self._limiter is None or call.key is None or call.key.rate_limit is None:
            return
        limit = call.key.rate_limit
        wait_seconds = await self._limiter.take(call.key.id, limit)
        if wait_seconds > 0:
            rate = f"{limit.calls} calls in {limit.per_seconds} s"
            raise ResourceExhausted(
                ErrorReason.RATE_LIMIT_EXCEEDED,
                f"The API key may make {rate}; try again in {wait_seconds:.3f} s.",
                metadata={"scope": "key", "limit": f"{limit.calls}/{limit.per_seconds}s"},
                retry_after_seconds=wait_seconds,
            )

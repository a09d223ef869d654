"""A rate limiter whose clock the test holds."""

from collections import defaultdict

from gaveld.application.ports import RateLimit


class FakeRateLimiter:
    """A ``RateLimiter`` over a list of times a key; ``now`` moves when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._taken: dict[str, list[float]] = defaultdict(list)

    async def take(self, key: str, limit: RateLimit) -> float:
        recent = [at for at in self._taken[key] if at > self.now - limit.per_seconds]
        self._taken[key] = recent
        if len(recent) >= limit.calls:
            return recent[0] + limit.per_seconds - self.now
        recent.append(self.now)
        return 0.0

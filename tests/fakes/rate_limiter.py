"""A rate limiter whose clock the test holds."""

from collections import Counter, defaultdict

from gaveld.application.ports import Quota, RateLimit


class FakeRateLimiter:
    """A ``RateLimiter`` over a list of times a key; ``now`` moves when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._taken: dict[str, list[float]] = defaultdict(list)
        self._drawn: Counter[tuple[str, str]] = Counter()

    async def take(self, key: str, limit: RateLimit) -> float:
        recent = [at for at in self._taken[key] if at > self.now - limit.per_seconds]
        self._taken[key] = recent
        if len(recent) >= limit.calls:
            return recent[0] + limit.per_seconds - self.now
        recent.append(self.now)
        return 0.0

    async def draw(self, key: str, quota: Quota) -> float:
        period, seconds_left = quota.now(self.now)
        if self._drawn[key, period] >= quota.calls:
            return seconds_left
        self._drawn[key, period] += 1
        return 0.0

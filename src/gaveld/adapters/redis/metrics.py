"""Shows in Prometheus whether replicas share anything, and how often they did not."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class RedisState(StrEnum):
    """Whether Redis is used: not configured, answering, or not answering."""

    OFF = "off"
    UP = "up"
    DOWN = "down"


class RedisUse(StrEnum):
    """What Redis is asked for."""

    RATE_LIMITS = "rate_limits"
    VERDICTS = "verdicts"
    ANSWERS = "answers"


class RedisMetrics:
    """The state, ``off`` until somebody says otherwise, and what was done locally instead."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "gavel_redis_state",
            "1 for the state that Redis is in; limits and caches are shared in up alone.",
            ("state",),
            registry=registry,
        )
        self._missed = Counter(
            "gavel_redis_missed_total",
            "What Redis was wanted for and did not answer, so that this replica went by its own.",
            ("use",),
            registry=registry,
        )
        self.redis_is(RedisState.OFF)

    def redis_is(self, state: RedisState) -> None:
        """Show the state from now on."""
        for each in RedisState:
            self._state.labels(each.value).set(each is state)

    def redis_missed(self, use: RedisUse) -> None:
        """Count one question without an answer."""
        self._missed.labels(use.value).inc()

"""Shows in Prometheus whether word of work goes by NATS, and how much of it could not be sent."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class NatsState(StrEnum):
    """Whether NATS is used: not configured, connected, or not reached."""

    OFF = "off"
    UP = "up"
    DOWN = "down"


class NatsMetrics:
    """The state, ``off`` until somebody says otherwise, and the words that were not sent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "gavel_nats_state",
            "1 for the state that NATS is in; while it is down, workers ask the storage for work.",
            ("state",),
            registry=registry,
        )
        self._missed = Counter(
            "gavel_nats_missed_words_total",
            "Jobs that NATS could not tell workers of; they are found in the storage.",
            registry=registry,
        )
        self.nats_is(NatsState.OFF)

    def nats_is(self, state: NatsState) -> None:
        """Show the state from now on."""
        for each in NatsState:
            self._state.labels(each.value).set(each is state)

    def missed(self, count: int) -> None:
        """Count words that were not sent."""
        self._missed.inc(count)

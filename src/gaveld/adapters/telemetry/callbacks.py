"""Shows in Prometheus what becomes of callbacks. Receivers are never labels."""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gaveld.application.ports import DeliveryCounts
from gaveld.domain.deliveries import AttemptOutcome, Disabled

BUCKETS_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)


class PrometheusCallbackTelemetry:
    """A ``CallbackTelemetry`` whose metrics are in ``registry``.

    The gauges show the whole storage, the same in every process that counts it.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Histogram(
            "gavel_callback_attempt_duration_seconds",
            "How long attempts to deliver a callback took, by what came of them.",
            ("outcome",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._disabled = Counter(
            "gavel_callback_receivers_disabled_total",
            "Receivers that this process disabled, by why.",
            ("why",),
            registry=registry,
        )
        self._waiting = Gauge(
            "gavel_callbacks_waiting",
            "Callbacks that wait to be sent, for the first time or again.",
            registry=registry,
        )
        self._oldest = Gauge(
            "gavel_callbacks_oldest_seconds",
            "How long ago the oldest callback that waits was made.",
            registry=registry,
        )
        self._dead = Gauge(
            "gavel_callbacks_dead",
            "Callbacks that were given up and not erased yet.",
            registry=registry,
        )
        self._receivers = Gauge(
            "gavel_callback_disabled_receivers",
            "Receivers that are disabled.",
            registry=registry,
        )
        for outcome in AttemptOutcome:
            self._attempts.labels(outcome.value)
        for why in Disabled:
            self._disabled.labels(why.value)

    def attempt_made(self, outcome: AttemptOutcome, seconds: float) -> None:
        """Record an attempt; see ``CallbackTelemetry.attempt_made``."""
        self._attempts.labels(outcome.value).observe(seconds)

    def receiver_disabled(self, why: Disabled) -> None:
        """Record a receiver's end; see ``CallbackTelemetry.receiver_disabled``."""
        self._disabled.labels(why.value).inc()

    def counted(self, counts: DeliveryCounts, at: datetime) -> None:
        """Show how callbacks stand; see ``CallbackTelemetry.counted``."""
        oldest = 0.0 if counts.oldest_at is None else (at - counts.oldest_at).total_seconds()
        self._waiting.set(counts.waiting)
        self._oldest.set(max(0.0, oldest))
        self._dead.set(counts.dead)
        self._receivers.set(counts.disabled_receivers)

"""One suite for every ``CallbackTelemetry``, then what Prometheus shows of it."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from gaveld.adapters.telemetry.callbacks import PrometheusCallbackTelemetry
from gaveld.application.ports import CallbackTelemetry, DeliveryCounts
from gaveld.domain.deliveries import AttemptOutcome, Disabled
from tests.fakes.deliveries import FakeCallbackTelemetry

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
COUNTS = DeliveryCounts(7, 3, 2, NOON - timedelta(seconds=90))


@pytest.fixture(params=["fake", "prometheus"])
def telemetry(request) -> CallbackTelemetry:
    if request.param == "fake":
        return FakeCallbackTelemetry()
    return PrometheusCallbackTelemetry(CollectorRegistry())


def report(telemetry: CallbackTelemetry) -> None:
    for outcome in AttemptOutcome:
        telemetry.attempt_made(outcome, 0.2)
    for why in Disabled:
        telemetry.receiver_disabled(why)
    telemetry.counted(COUNTS, NOON)


def test_everything_can_be_reported(telemetry: CallbackTelemetry):
    """Law: telemetry never raises, whatever it is told, and how often."""
    report(telemetry)
    telemetry.counted(DeliveryCounts(), NOON)
    report(telemetry)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("gavel_callback_attempt_duration_seconds_count", {"outcome": "gone"}, 1),
        ("gavel_callback_receivers_disabled_total", {"why": "exhausted"}, 1),
        ("gavel_callback_disabled_receivers", {}, 2),
        ("gavel_callbacks_waiting", {}, 7),
        ("gavel_callbacks_oldest_seconds", {}, 90),
        ("gavel_callbacks_dead", {}, 3),
    ],
)
def test_prometheus_shows_what_was_reported(name: str, labels: dict[str, str], expected: float):
    """Law: each report is one sample; the gauges are the last count's."""
    registry = CollectorRegistry()
    report(PrometheusCallbackTelemetry(registry))
    assert registry.get_sample_value(name, labels) == expected


def test_outcomes_that_never_happened_are_zero():
    """Law: an alert on a rate sees the first one, because the series was there before."""
    registry = CollectorRegistry()
    PrometheusCallbackTelemetry(registry)
    for outcome in AttemptOutcome:
        name, labels = "gavel_callback_attempt_duration_seconds_count", {"outcome": outcome.value}
        assert registry.get_sample_value(name, labels) == 0

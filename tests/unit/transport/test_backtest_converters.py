"""What a backtest is asked to try, where the request leaves it open."""

from datetime import UTC, datetime, timedelta

import pytest
from gavel.v1 import policy_service_pb2 as pb

from gaveld.domain.errors import InvalidRequest
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.converters.backtests import backtest_request_from_proto

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def stretch(until: datetime | None) -> tuple[datetime, datetime]:
    """Return the time that a request without a beginning stands for."""
    request = pb.BacktestPolicyRequest()
    if until is not None:
        request.until.FromDatetime(until)
    asked = backtest_request_from_proto(
        request, Policy("", {}), project="shop", request_id="r", now=NOW
    )
    stored = pb.BacktestPolicyRequest.FromString(asked.payload)
    return stored.since.ToDatetime(UTC), stored.until.ToDatetime(UTC)


def test_a_week_is_tried_where_nothing_else_is_said():
    """Law: without times it is the last seven days, without a beginning those before the end."""
    week = timedelta(days=7)
    assert stretch(None) == (NOW - week, NOW)
    assert stretch(NOW - week) == (NOW - 2 * week, NOW - week)


def test_time_begins_with_the_first_day():
    """Law: an end in the first days of all time is answered, and never a fault of the server."""
    assert stretch(EARLIEST + timedelta(days=1)) == (EARLIEST, EARLIEST + timedelta(days=1))
    with pytest.raises(InvalidRequest):
        stretch(EARLIEST)

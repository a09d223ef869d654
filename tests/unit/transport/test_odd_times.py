"""Times on the wire that no calendar has: refused by name, and never a failure of the server."""

from datetime import UTC, datetime

import pytest
from gavel.v1 import policy_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gaveld.domain.errors import InvalidRequest
from gaveld.transport.grpc.converters.backtests import backtest_request_from_proto
from tests.content_house import POLICY

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize(
    "time", [Timestamp(seconds=10**15), Timestamp(seconds=-(10**15)), Timestamp(nanos=-1)]
)
def test_a_backtest_of_no_time_is_refused_by_name(field: str, time: Timestamp):
    """Law: whoever sends a time that is none is told which one."""
    request = pb.BacktestPolicyRequest(**{field: time})
    with pytest.raises(InvalidRequest) as refused:
        backtest_request_from_proto(request, POLICY, project="shop", request_id="r", now=NOW)
    assert [violation.field for violation in refused.value.violations] == [field]

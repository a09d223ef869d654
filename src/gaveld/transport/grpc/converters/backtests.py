"""Backtests on the wire and off it; they are stored in their wire form."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from gavel.v1 import policy_service_pb2 as pb
from gavel.v1 import verdict_pb2

from gaveld.application.backtest import BacktestPlan
from gaveld.application.submit_backtest import BacktestRequest
from gaveld.domain.actions import Action
from gaveld.domain.backtests import BacktestReport, BacktestRow
from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.converters.fields import time_from_proto
from gaveld.transport.grpc.converters.policies import policy_from_proto, policy_to_proto

USUAL_STRETCH: Final = timedelta(days=7)
USUAL_DECISIONS: Final = 100_000
USUAL_SAMPLES: Final = 10

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


def backtest_request_from_proto(
    request: pb.BacktestPolicyRequest,
    policy: Policy,
    *,
    project: str,
    request_id: str,
    now: datetime,
) -> BacktestRequest:
    """Return the work to store; ``policy`` is the request's own, complete and checked.

    A stretch of time that is left open ends now, for every attempt at the work. Raises
    ``InvalidRequest`` for one that ends before it begins, and for a time that no calendar has.
    """
    until = time_from_proto(request.until, "until") if request.HasField("until") else now
    usual = max(until, _EARLIEST + USUAL_STRETCH) - USUAL_STRETCH
    since = time_from_proto(request.since, "since") if request.HasField("since") else usual
    if since >= until:
        raise InvalidRequest(FieldViolation("since", "must be before until"))
    stored = pb.BacktestPolicyRequest(
        policy=policy_to_proto(policy, project),
        max_decisions=request.max_decisions or USUAL_DECISIONS,
        max_samples=request.max_samples or USUAL_SAMPLES,
    )
    for action in stored.policy.actions:  # a backtest calls nobody
        action.ClearField("headers")
        action.ClearField("parameters")
    stored.since.FromDatetime(since)
    stored.until.FromDatetime(until)
    asked = request.SerializeToString(deterministic=True)
    return BacktestRequest(
        project, request_id, stored.SerializeToString(), hashlib.sha256(asked).digest()
    )


class BacktestMessages:
    """The ``BacktestPapers`` over the contract's own messages, serialised."""

    def read(self, project: str, payload: bytes) -> BacktestPlan:
        """Return what is to be tried."""
        request = pb.BacktestPolicyRequest.FromString(payload)
        policy, _ = policy_from_proto(request.policy)
        return BacktestPlan(
            project,
            policy,
            since=request.since.ToDatetime(UTC),
            until=request.until.ToDatetime(UTC),
            max_decisions=request.max_decisions,
            max_samples=request.max_samples,
        )

    def answer(self, report: BacktestReport) -> bytes:
        """Return a serialised ``BacktestPolicyResponse``."""
        return backtest_report_to_proto(report).SerializeToString()


def backtest_report_to_proto(report: BacktestReport) -> pb.BacktestPolicyResponse:
    """Return the report as the wire has it; moves are sorted, from the mildest."""
    return pb.BacktestPolicyResponse(
        decision_count=report.decision_count,
        changed_count=report.changed_count,
        unjudged_count=report.unjudged_count,
        rows=map(_row, report.rows),
        moves=[
            pb.BacktestMove(before=_action(before), after=_action(after), count=count)
            for (before, after), count in sorted(report.moves.items())
        ],
        warnings=report.warnings,
    )


def _row(row: BacktestRow) -> pb.BacktestRow:
    return pb.BacktestRow(
        category_id=row.cause.category_id,
        rule_id=row.cause.rule_id,
        before=_action(row.before),
        after=_action(row.after),
        count=row.count,
        sample_content_ids=row.content_ids,
        unchecked=row.cause.is_unchecked,
    )


def _action(action: Action) -> "verdict_pb2.Action.ValueType":
    return verdict_pb2.Action.Value(f"ACTION_{action.name}")

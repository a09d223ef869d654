"""Answers ``BacktestPolicy`` of ``gavel.v1.PolicyService``: checks the policy, stores the work."""

import uuid
from datetime import UTC, datetime

from gavel.v1.policy_service_pb2 import BacktestPolicyRequest
from google.longrunning import operations_pb2

from gaveld.application.manage_policies import ManagePolicies, PolicyChangeRequest
from gaveld.application.submit_backtest import SubmitBacktest
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.backtests import backtest_request_from_proto
from gaveld.transport.grpc.converters.operations import operation_to_proto
from gaveld.transport.grpc.converters.policies import policy_from_proto
from gaveld.transport.grpc.projects import project_of


class BacktestServicer:
    """Serves ``BacktestPolicy``. The policy is checked as if it were to be applied."""

    def __init__(self, policies: ManagePolicies, submit_backtest: SubmitBacktest) -> None:
        self._policies = policies
        self._submit_backtest = submit_backtest

    async def BacktestPolicy(
        self, request: BacktestPolicyRequest, _: Context
    ) -> operations_pb2.Operation:
        """Have another policy tried, and answer with the operation that stands for it."""
        project = project_of(request.policy.name, current_call())
        checked = await self._policies.apply(
            PolicyChangeRequest(
                project, lambda _: policy_from_proto(request.policy), validate_only=True
            )
        )
        work = backtest_request_from_proto(
            request,
            checked.policy,
            project=project,
            # Only an id that the caller chose for it says that it is a repeat.
            request_id=request.request_id or uuid.uuid4().hex,
            now=datetime.now(UTC),
        )
        return operation_to_proto(await self._submit_backtest(work))

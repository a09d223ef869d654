"""Answers ``google.longrunning.Operations``: how far work is, for the project that asked for it.

A key sees the work of which it may start more, and no other.
``DeleteOperation`` is not served: what was decided is kept for repeats until its time is over.
"""

import re
from collections.abc import Collection
from typing import Final

from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from gaveld.application.operations import EVERY, Operations
from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.jobs import JobKind, JobState
from gaveld.transport.grpc.call import Call, Context, current_call
from gaveld.transport.grpc.converters.operations import PREFIX, job_id_of, operation_to_proto

PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1000
LAST_LOOK_SECONDS: Final = 1.0
"""How long before a deadline the last look is taken at the most, so that the answer arrives."""
_FILTER: Final = re.compile(r'\s*state\s*=\s*"?([A-Za-z]+)"?\s*')


class OperationsServicer:
    """Serves ``GetOperation``, ``ListOperations``, ``WaitOperation`` and ``CancelOperation``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, _: Context
    ) -> operations_pb2.Operation:
        """Return one operation."""
        call = current_call()
        job = await self._operations.get(call.project, job_id_of(request.name), _kinds(call))
        return operation_to_proto(job)

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, _: Context
    ) -> operations_pb2.ListOperationsResponse:
        """Return a page of the project's operations, the newest first."""
        if request.name.rstrip("/") not in ("", PREFIX.rstrip("/")):
            raise InvalidRequest(FieldViolation("name", 'must be "operations"'))
        if not 0 <= request.page_size <= MAX_PAGE_SIZE:
            raise InvalidRequest(FieldViolation("page_size", f"must be 0 to {MAX_PAGE_SIZE:,}"))
        call = current_call()
        page = await self._operations.list(
            call.project,
            kinds=_kinds(call),
            state=_state(request.filter),
            limit=request.page_size or PAGE_SIZE,
            token=request.page_token,
        )
        return operations_pb2.ListOperationsResponse(
            operations=map(operation_to_proto, page.jobs), next_page_token=page.next_token
        )

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, _: Context
    ) -> operations_pb2.Operation:
        """Return one operation when it is done, or as it is when the time is over."""
        call = current_call()
        seconds = call.time_left() - call.reserve_seconds(most=LAST_LOOK_SECONDS)
        if request.HasField("timeout"):
            seconds = min(seconds, request.timeout.seconds + request.timeout.nanos / 1e9)
        call.vacate()  # whoever only waits keeps nobody out
        job_id = job_id_of(request.name)
        job = await self._operations.wait(call.project, job_id, seconds, _kinds(call))
        return operation_to_proto(job)

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, _: Context
    ) -> empty_pb2.Empty:
        """Cancel one operation, unless it is done."""
        call = current_call()
        await self._operations.cancel(call.project, job_id_of(request.name), _kinds(call))
        return empty_pb2.Empty()


def _kinds(call: Call) -> Collection[JobKind]:
    """Return what the caller may start; that is everything where nobody needs a key."""
    if call.key is None:
        return EVERY
    return {kind for kind, scope in _SCOPES.items() if call.key.scopes & {scope, "admin"}}


_SCOPES: Final = {JobKind.CONTENT: "moderate", JobKind.BACKTEST: "policy"}
SCOPE: Final = " ".join(_SCOPES.values())
"""Either is enough to call at all."""


def _state(text: str) -> JobState | None:
    if not text.strip():
        return None
    names = ", ".join(state.value for state in JobState)
    match = _FILTER.fullmatch(text)
    try:
        return JobState(match[1].lower() if match else "")
    except ValueError as error:
        said = f"must be `state = STATE`, with one of {names}"
        raise InvalidRequest(FieldViolation("filter", said)) from error

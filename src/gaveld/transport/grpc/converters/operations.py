"""From a job to the operation that stands for it: its answer, its error, and how far it is."""

from typing import Final

import grpc
from gavel.v1 import content_service_pb2, policy_service_pb2
from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from gaveld.domain.errors import ErrorReason
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.transport.grpc.errors import Refusal

PREFIX: Final = "operations/"

_TYPES: Final = "type.googleapis.com/"
_RESPONSES: Final[dict[JobKind, Descriptor]] = {
    JobKind.CONTENT: content_service_pb2.SubmitContentResponse.DESCRIPTOR,
    JobKind.BACKTEST: policy_service_pb2.BacktestPolicyResponse.DESCRIPTOR,
}
_STATES: Final = {
    JobState.WAITING: content_service_pb2.SUBMIT_CONTENT_STATE_WAITING,
    JobState.RUNNING: content_service_pb2.SUBMIT_CONTENT_STATE_RUNNING,
    JobState.DONE: content_service_pb2.SUBMIT_CONTENT_STATE_DONE,
    JobState.CANCELLED: content_service_pb2.SUBMIT_CONTENT_STATE_CANCELLED,
    JobState.DEAD: content_service_pb2.SUBMIT_CONTENT_STATE_DEAD,
}
_CODES: Final = {
    ErrorReason.API_KEY_MISSING: grpc.StatusCode.UNAUTHENTICATED,
    ErrorReason.API_KEY_INVALID: grpc.StatusCode.UNAUTHENTICATED,
    ErrorReason.API_KEY_REVOKED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorReason.SCOPE_MISSING: grpc.StatusCode.PERMISSION_DENIED,
    ErrorReason.PROJECT_MISMATCH: grpc.StatusCode.PERMISSION_DENIED,
    ErrorReason.UPLOAD_SIGNATURE_INVALID: grpc.StatusCode.UNAUTHENTICATED,
    ErrorReason.RATE_LIMIT_EXCEEDED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.INSUFFICIENT_CREDITS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.SERVER_OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.MESSAGE_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorReason.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.REVIEWERS_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorReason.STORAGE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorReason.CUSTOM_PROMPT_UNSUPPORTED: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.FEATURE_DISABLED: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.MEDIA_FETCH_FAILED: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ITEM_CLAIMED: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ITEM_NOT_OPEN: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorReason.ETAG_MISMATCH: grpc.StatusCode.ABORTED,
    ErrorReason.REQUEST_ID_REUSED: grpc.StatusCode.ALREADY_EXISTS,
    ErrorReason.RESOURCE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorReason.INTERNAL: grpc.StatusCode.INTERNAL,
}


def operation_to_proto(job: Job) -> operations_pb2.Operation:
    """Return the operation of a job.

    A job that is dead or cancelled has an error; one that is done has its answer as it is kept.
    """
    operation = operations_pb2.Operation(
        name=PREFIX + job.id, metadata=_packed(_metadata(job)), done=job.state.is_final
    )
    match job.state:
        case JobState.DONE:
            operation.response.type_url = _TYPES + _RESPONSES[job.kind].full_name
            operation.response.value = job.answer
        case JobState.CANCELLED:
            operation.error.CopyFrom(
                _status(grpc.StatusCode.CANCELLED, "CANCELLED", "The work was cancelled.")
            )
        case JobState.DEAD:
            code = code_of(ErrorReason(job.error_reason))
            operation.error.CopyFrom(_status(code, job.error_reason, job.error_message))
    return operation


def job_id_of(name: str) -> str:
    """Return the id of the job that an operation's name stands for, whatever it is."""
    return name.removeprefix(PREFIX)


def code_of(reason: ErrorReason) -> grpc.StatusCode:
    """Return the code that the contract gives a reason."""
    return _CODES.get(reason, grpc.StatusCode.INVALID_ARGUMENT)


def _metadata(job: Job) -> Message:
    if job.kind is JobKind.BACKTEST:
        return _backtest_metadata(job)
    metadata = content_service_pb2.SubmitContentMetadata(
        content_id=job.content_id,
        state=_STATES[job.state],
        attempt_count=job.attempt_count,
        request_id=job.request_id,
    )
    metadata.create_time.FromDatetime(job.created_at)
    metadata.update_time.FromDatetime(job.updated_at)
    return metadata


def _backtest_metadata(job: Job) -> policy_service_pb2.BacktestPolicyMetadata:
    metadata = policy_service_pb2.BacktestPolicyMetadata(request_id=job.request_id)
    if job.state is JobState.DONE:
        answer = policy_service_pb2.BacktestPolicyResponse.FromString(job.answer)
        metadata.tried_count = metadata.total_count = answer.decision_count
    elif job.steps is not None:
        metadata.tried_count, metadata.total_count = job.steps.done, job.steps.total
    return metadata


def _status(code: grpc.StatusCode, reason: str, message: str) -> status_pb2.Status:
    return Refusal(code, reason, message).status


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed

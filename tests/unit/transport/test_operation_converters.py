"""Operations on the wire: what each state of a job looks like."""

from dataclasses import replace

import grpc
import pytest
from gavel.v1 import content_service_pb2, policy_service_pb2
from google.rpc import code_pb2, error_details_pb2

from gaveld.domain.errors import ErrorReason
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.transport.grpc.converters.operations import code_of, job_id_of, operation_to_proto
from tests.jobs import NOON, a_job
from tests.unit.contract.test_error_reasons import PREFIX, comments


@pytest.mark.parametrize("reason", ErrorReason)
def test_an_error_has_the_code_that_the_contract_says(reason: ErrorReason):
    """Law: what a dead operation shows is what a call would have been answered with."""
    first = comments()[PREFIX + reason.value].splitlines()[0]
    assert f"({code_of(reason).name})" in first


@pytest.mark.parametrize("state", JobState)
def test_metadata_says_how_far_the_work_is(state: JobState):
    """Law: state, times and attempts are the job's, and done means final."""
    reason = "INTERNAL" if state is JobState.DEAD else ""
    job = a_job(state=state, content_id="post-1", attempt_count=3, error_reason=reason)
    operation = operation_to_proto(job)
    metadata = content_service_pb2.SubmitContentMetadata()
    assert operation.metadata.Unpack(metadata)
    states = content_service_pb2.SubmitContentState
    assert states.Name(metadata.state) == f"SUBMIT_CONTENT_STATE_{state.name}"
    assert (metadata.content_id, metadata.attempt_count) == ("post-1", 3)
    assert metadata.request_id == job.request_id
    assert metadata.create_time.ToDatetime() == NOON.replace(tzinfo=None)
    assert operation.done is state.is_final
    assert job_id_of(operation.name) == job.id


def test_an_answer_is_given_as_it_is_kept():
    """Law: the response is the stored answer, whichever kind of work it is of."""
    kinds = {
        JobKind.CONTENT: content_service_pb2.SubmitContentResponse(content_id="post-1"),
        JobKind.BACKTEST: policy_service_pb2.BacktestPolicyResponse(decision_count=7),
    }
    for kind, answer in kinds.items():
        job = a_job(kind=kind, state=JobState.DONE, answer=answer.SerializeToString())
        operation = operation_to_proto(job)
        told = type(answer)()
        assert operation.response.Unpack(told)
        assert told == answer


def error_of(job: Job) -> tuple[int, str, str]:
    operation = operation_to_proto(job)
    info = error_details_pb2.ErrorInfo()
    assert operation.WhichOneof("result") == "error"
    assert operation.error.details[0].Unpack(info)
    return operation.error.code, info.reason, operation.error.message


def test_what_did_not_come_to_an_answer_says_why():
    """Law: dead work has the error of its last attempt, and cancelled work says so."""
    dead = a_job(
        state=JobState.DEAD, error_reason="CONTENT_TYPE_MISMATCH", error_message="age: is missing"
    )
    assert error_of(dead) == (
        code_pb2.INVALID_ARGUMENT,
        "CONTENT_TYPE_MISMATCH",
        "age: is missing",
    )
    cancelled = replace(dead, state=JobState.CANCELLED)
    assert error_of(cancelled)[:2] == (grpc.StatusCode.CANCELLED.value[0], "CANCELLED")

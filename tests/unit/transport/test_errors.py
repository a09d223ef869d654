"""The mapping from failures to what callers are told."""

import asyncio

import grpc
import pytest
from gavel.v1 import error_reason_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gaveld.application.failures import place_of
from gaveld.domain import errors as domain
from gaveld.domain.errors import ErrorReason, FieldViolation, GavelError
from gaveld.transport.grpc.errors import is_unforeseen, refusal_of


@pytest.mark.parametrize("reason", ErrorReason)
def test_every_reason_of_the_domain_stands_in_the_contract(reason: ErrorReason):
    """Law: a reason that a caller gets is documented in the contract under its name."""
    assert f"ERROR_REASON_{reason.value}" in frozenset(error_reason_pb2.ErrorReason.keys())


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (domain.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
        (domain.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
        (domain.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (domain.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
        (domain.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
        (domain.Unavailable, grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_every_kind_of_failure_has_its_code(kind: type[GavelError], code: grpc.StatusCode):
    """Law: the kind decides the code, the reason and message pass through."""
    refusal = refusal_of(kind(ErrorReason.INTERNAL, "told", metadata={"a": "b"}), "r")
    assert (refusal.code, refusal.message, refusal.metadata) == (code, "told", {"a": "b"})


def test_every_kind_of_failure_is_mapped():
    """Law: no kind of failure of the domain falls through to INTERNAL."""
    for kind in GavelError.__subclasses__():
        arguments = (
            (FieldViolation("text", "is bad"),)
            if kind is domain.InvalidRequest
            else (ErrorReason.INTERNAL, "told")
        )
        assert refusal_of(kind(*arguments), "r").code is not grpc.StatusCode.INTERNAL


def test_violations_become_a_bad_request():
    """Law: every violation keeps its field and description."""
    failure = domain.InvalidRequest(FieldViolation("a", "is bad"), FieldViolation("b", "is worse"))
    details = refusal_of(failure, "r").status.details
    bad_request = error_details_pb2.BadRequest()
    assert details[1].Unpack(bad_request)
    assert [(v.field, v.description) for v in bad_request.field_violations] == [
        ("a", "is bad"),
        ("b", "is worse"),
    ]


@pytest.mark.parametrize(
    ("kind", "retry_after", "pushback"),
    [
        (domain.ResourceExhausted, 0.25, "250"),
        (domain.ResourceExhausted, 0.00001, "1"),
        (domain.ResourceExhausted, None, "-1"),
        (domain.Unauthenticated, None, None),
    ],
)
def test_clients_are_told_when_to_retry(
    kind: type[GavelError], retry_after: float | None, pushback: str | None
):
    """Law: RetryInfo and pushback say the same; what a retry can't mend is never retried."""
    failure = kind(ErrorReason.INTERNAL, "told", retry_after_seconds=retry_after)
    refusal = refusal_of(failure, "r")
    assert dict(refusal.trailers).get("grpc-retry-pushback-ms") == pushback
    retries = [d for d in refusal.status.details if d.Is(error_details_pb2.RetryInfo.DESCRIPTOR)]
    assert len(retries) == (retry_after is not None)


def test_what_nobody_foresaw_says_nothing_of_itself():
    """Law: an unexpected exception's text reaches neither the caller nor the log."""
    with pytest.raises(ValueError, match="canary") as caught:
        int("canary")
    refusal, place = refusal_of(caught.value, "r-1"), place_of(caught.value)
    assert is_unforeseen(caught.value)
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert "canary" not in str(refusal.status) + place
    assert "r-1" in refusal.message
    assert place.startswith("ValueError at ")


def test_a_caller_who_goes_away_is_no_defect():
    """Law: a cancelled call is counted as such and not logged as a failure."""
    assert refusal_of(asyncio.CancelledError(), "r").code is grpc.StatusCode.CANCELLED
    assert not is_unforeseen(asyncio.CancelledError())


def test_the_details_are_what_clients_libraries_read():
    """Law: the trailer is the one that grpc-status reads."""
    assert rpc_status.GRPC_DETAILS_METADATA_KEY in dict(refusal_of(ValueError(), "r").trailers)

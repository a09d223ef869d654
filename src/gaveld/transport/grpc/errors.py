"""The one place where a failure becomes what the caller is told: code, reason, details, retry.

The caller's half never quotes content, secrets or an unexpected exception; the log gets the
cause of those from the error-mapping interceptor, as a type and a place.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import grpc
import grpc.aio
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from gaveld.domain.errors import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    ErrorReason,
    FailedPrecondition,
    GavelError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

DOMAIN: Final = "gavel"
DETAILS_HEADER: Final = "grpc-status-details-bin"
PUSHBACK_HEADER: Final = "grpc-retry-pushback-ms"
REQUEST_ID_HEADER: Final = "x-request-id"

TrailingMetadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """One bad field: its path in the request, what is wrong, and the broken rule's name if any."""

    field: str
    description: str
    rule: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a caller is told of a failed call.

    ``reason`` is a name of the contract's ``ErrorReason`` without its prefix. Nothing in it
    quotes content or a secret.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[Violation] = ()
    retry_after_seconds: float | None = None

    @cached_property
    def status(self) -> status_pb2.Status:
        """The refusal as the contract's error body."""
        details: list[Message] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        ]
        if self.violations:
            details.append(_bad_request(self.violations))
        if self.retry_after_seconds is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(_milliseconds(self.retry_after_seconds))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        return status_pb2.Status(
            code=self.code.value[0], message=self.message, details=[_packed(d) for d in details]
        )

    @cached_property
    def trailers(self) -> TrailingMetadata:
        """The trailing metadata of a call that ends so: the details, and when to retry.

        Clients retry RESOURCE_EXHAUSTED by the shipped service config, so one that a retry can't
        mend is pushed back for ever (-1).
        """
        details = ((DETAILS_HEADER, self.status.SerializeToString()),)
        if self.retry_after_seconds is not None:
            return (*details, (PUSHBACK_HEADER, str(_milliseconds(self.retry_after_seconds))))
        if self.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return (*details, (PUSHBACK_HEADER, "-1"))
        return details


class RefusedError(Exception):
    """A failure of the wire itself, which neither domain nor application knows of."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


_CODES: Final[tuple[tuple[type[GavelError], grpc.StatusCode], ...]] = (
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
    (ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (Aborted, grpc.StatusCode.ABORTED),
    (Unavailable, grpc.StatusCode.UNAVAILABLE),
)


def refusal_of(failure: BaseException, request_id: str) -> Refusal:
    """Return what the caller is told of any failure; what nobody foresaw is INTERNAL."""
    match failure:
        case RefusedError():
            return failure.refusal
        case GavelError():
            return Refusal(
                _code_of(failure),
                failure.reason.value,
                failure.message,
                failure.metadata,
                tuple(
                    Violation(entry.field, entry.description, entry.rule)
                    for entry in failure.violations
                ),
                failure.retry_after_seconds,
            )
        case asyncio.CancelledError():
            return Refusal(grpc.StatusCode.CANCELLED, "CANCELLED", "The caller went away.")
        case _:
            return Refusal(
                grpc.StatusCode.INTERNAL,
                ErrorReason.INTERNAL.value,
                f"The server failed; its log has the cause under request id {request_id}.",
                {"request_id": request_id},
            )


def is_unforeseen(failure: BaseException) -> bool:
    """Whether a failure is nobody's answer but a defect, whose cause belongs in the log."""
    foreseen = (
        RefusedError,
        GavelError,
        asyncio.CancelledError,
        GeneratorExit,
        grpc.aio.AbortError,
    )
    return not isinstance(failure, foreseen)


def _code_of(failure: GavelError) -> grpc.StatusCode:
    for kind, code in _CODES:
        if isinstance(failure, kind):
            return code
    return grpc.StatusCode.INTERNAL


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=entry.field, description=entry.description, reason=entry.rule
            )
            for entry in violations
        ]
    )


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))

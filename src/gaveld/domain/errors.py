"""What can go wrong, in the terms of the domain. Which status code that is, transport says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_NAMED: Final = 2_400
"""Characters of violations that an error tells of, so that it fits the headers that carry it."""


class ErrorReason(StrEnum):
    """Why a call failed; every value stands in the contract's ``ErrorReason`` under its name."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    TEXT_TOO_LARGE = "TEXT_TOO_LARGE"
    UNKNOWN_CATEGORY = "UNKNOWN_CATEGORY"
    UNKNOWN_CONTENT_TYPE = "UNKNOWN_CONTENT_TYPE"
    CONTENT_TYPE_MISMATCH = "CONTENT_TYPE_MISMATCH"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 (a reason, no secret)
    POLICY_INVALID = "POLICY_INVALID"
    MEDIA_UNSUPPORTED = "MEDIA_UNSUPPORTED"
    MEDIA_TOO_LARGE = "MEDIA_TOO_LARGE"
    MEDIA_CORRUPT = "MEDIA_CORRUPT"
    MEDIA_ADDRESS_REFUSED = "MEDIA_ADDRESS_REFUSED"
    MEDIA_FETCH_FAILED = "MEDIA_FETCH_FAILED"
    INVALID_TURN = "INVALID_TURN"
    API_KEY_MISSING = "API_KEY_MISSING"
    API_KEY_INVALID = "API_KEY_INVALID"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    SCOPE_MISSING = "SCOPE_MISSING"
    PROJECT_MISMATCH = "PROJECT_MISMATCH"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    SERVER_OVERLOADED = "SERVER_OVERLOADED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    REVIEWERS_UNAVAILABLE = "REVIEWERS_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    CUSTOM_PROMPT_UNSUPPORTED = "CUSTOM_PROMPT_UNSUPPORTED"
    FEATURE_DISABLED = "FEATURE_DISABLED"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    ITEM_CLAIMED = "ITEM_CLAIMED"
    ITEM_NOT_OPEN = "ITEM_NOT_OPEN"
    UPLOAD_SIGNATURE_INVALID = "UPLOAD_SIGNATURE_INVALID"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One bad field of a request: its path, and what is wrong with it, naming the limit.

    ``rule`` is what was broken, in one word such as ``MISTYPED``; empty where nothing more is said.
    """

    field: str
    description: str
    rule: str = ""


def as_many_as_fit(violations: Sequence[FieldViolation]) -> tuple[list[FieldViolation], int]:
    """Return those that an error can tell of, and how many more there are."""
    named: list[FieldViolation] = []
    length = 0
    for violation in violations:
        length += len(violation.field) + len(violation.description)
        if length > MOST_NAMED:
            break
        named.append(violation)
    return named, len(violations) - len(named)


class GavelError(Exception):
    """Base of every failure that a caller is told about.

    ``message`` and ``metadata`` are for the caller and hold nothing of the content and no
    secret. The cause, for the log, is the exception's ``__cause__``.
    """

    def __init__(
        self,
        reason: ErrorReason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(GavelError):
    """The request breaks a rule of the contract or of the operator; ``violations`` say which."""

    def __init__(
        self,
        *violations: FieldViolation,
        reason: ErrorReason = ErrorReason.INVALID_ARGUMENT,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        message = "; ".join(f"{entry.field}: {entry.description}" for entry in violations)
        super().__init__(reason, message, metadata=metadata, violations=violations)


class Unauthenticated(GavelError):
    """Nobody knows who calls: the key is missing, wrong or revoked."""


class PermissionDenied(GavelError):
    """The caller is known and may not do this."""


class ResourceExhausted(GavelError):
    """A rate, size or capacity limit is reached; ``retry_after_seconds`` says when to try again."""


class DeadlineExceeded(GavelError):
    """The caller's time was up before anything could be judged."""


class FailedPrecondition(GavelError):
    """The server is not set up for what the call asks; a repeat fails until an operator acts."""


class NotFound(GavelError):
    """What the call names does not exist, or is not the project's."""


class Aborted(GavelError):
    """Somebody else changed it meanwhile; the caller reads it again and repeats the change."""


class AlreadyExists(GavelError):
    """A name that the caller chose is taken; a repeat fails until another is chosen."""


class Unavailable(GavelError):
    """What the call needs can't be reached now; ``retry_after_seconds`` says when to try again."""

"""Callbacks to the operators' own services: what is sent, when again, and when no more."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

RETRY_DELAYS_SECONDS: Final = (
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""How long after each failed attempt comes the next: 10 attempts over 75.6 hours.

It is the schedule that the Standard Webhooks specification recommends.
"""

MAX_ATTEMPTS: Final = 1 + len(RETRY_DELAYS_SECONDS)
SCHEDULE: Final = timedelta(seconds=sum(RETRY_DELAYS_SECONDS))
MAX_RETRY_AFTER_SECONDS: Final = 24 * 3600
"""For longer than this nobody is waited for, whatever a receiver asks."""

CALLABLE: Final = (
    "an http or https address with a host, without a user name, on port 80, 443 or one from 1024 on"
)
"""What an address is that something can be sent to, for people."""

_RESERVED_HEADERS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_RESERVED_PREFIXES: Final = ("webhook-", "proxy-")
_WEB_PORTS: Final = (None, 80, 443)
_FIRST_FREE_PORT: Final = 1024


class DeliveryState(StrEnum):
    """How far a callback is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Every attempt failed, or the receiver wants no more."""


class AttemptOutcome(StrEnum):
    """What came of one attempt."""

    DELIVERED = "delivered"
    REDIRECTED = "redirected"
    """The receiver is elsewhere, where nobody goes unasked."""
    GONE = "gone"
    """The receiver wants no more, ever."""
    THROTTLED = "throttled"
    """The receiver wants no more for now."""
    REFUSED = "refused"
    FAILED = "failed"
    """The receiver is at fault, or speaks no HTTP."""
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    NOT_ALLOWED = "not_allowed"
    """Its address is none that callbacks may be sent to. Nothing was sent."""
    UNREADABLE = "unreadable"
    """What is to be sent was sealed with a key that is gone. Nothing was sent."""


class Disabled(StrEnum):
    """Why nothing is sent to a receiver any more."""

    GONE = "gone"
    """It answered 410."""
    EXHAUSTED = "exhausted"
    """It took nothing for as long as one callback's whole schedule."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One address of one project. ``id`` stands for the address, which may hold a secret."""

    id: str
    project: str
    disabled_at: datetime
    why: Disabled


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback to one receiver.

    ``id`` is the ``webhook-id``, the same in every attempt. ``event`` is what happened, such as
    ``content.decided``. ``headers`` and ``secret`` are the receiver's own, and with ``url`` and
    ``body`` go into no log; ``secret`` is ``whsec_`` and base64, or any text. ``job_id`` and
    ``action_id`` say what it tells of, empty for none. ``actor_id`` is the person whose content it
    is, whom a project may ask to forget, and ``words_until`` when the body is to quote the content
    no longer; None where it doesn't. ``receiver_id`` and ``host_id`` are worked out where none are
    given. ``next_attempt_at`` is None once it is final. Times are UTC.
    """

    id: str
    project: str
    event: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    secret: str = field(repr=False)
    created_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    job_id: str = ""
    action_id: str = ""
    actor_id: str = field(default="", repr=False)
    words_until: datetime | None = None
    receiver_id: str = ""
    host_id: str = ""
    state: DeliveryState = DeliveryState.WAITING
    attempt_count: int = 0
    next_attempt_at: datetime | None = None
    last_status: int = 0
    last_error: str = ""

    def __post_init__(self) -> None:
        if not self.receiver_id:
            object.__setattr__(self, "receiver_id", receiver_id(self.project, self.url))
        if not self.host_id:
            object.__setattr__(self, "host_id", host_id(self.project, self.url))


def receiver_id(project: str, url: str) -> str:
    """Return the id of a receiver: 32 hex digits that don't tell its address."""
    return hashlib.sha256(f"{project}\n{url}".encode()).hexdigest()[:32]


def host_id(project: str, url: str) -> str:
    """Return what all of a project's receivers on one host and port share: 32 hex digits."""
    try:
        parts = urlsplit(url)
        host = f"{(parts.hostname or '').rstrip('.')}:{parts.port or parts.scheme}"
    except ValueError:  # nothing is ever sent there
        host = url
    return hashlib.sha256(f"{project}\n{host}".encode(errors="replace")).hexdigest()[:32]


def words_until(at: datetime, *, is_kept: bool, kept_days: int) -> datetime:
    """Return until when a callback made then may quote content that is kept for so many days.

    Content that is kept nowhere else stays in a callback for as long as that is being sent.
    """
    kept = timedelta(days=kept_days)
    return at + (kept if is_kept else min(kept, SCHEDULE))


def can_be_called(url: str) -> bool:
    """Whether anything could ever be sent to an address, wherever that may be.

    It is http or https with a host, without a user name, on the web's ports or one from 1024 on.
    """
    if "\\" in url or not _is_printed(url) or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_free = port in _WEB_PORTS or (port or 0) >= _FIRST_FREE_PORT
    is_web = parts.scheme.lower() in ("http", "https")
    return is_web and bool(parts.hostname) and is_free and "@" not in parts.netloc


def can_be_header(value: str) -> bool:
    """Whether a header can have this value, but for the blanks around it."""
    return _is_printed(value.strip().replace("\t", " "))


def is_reserved_header(name: str) -> bool:
    """Whether a header of callbacks is for Gavel and HTTP to set, and for no action."""
    name = name.lower()
    return name in _RESERVED_HEADERS or name.startswith(_RESERVED_PREFIXES)


def _is_printed(text: str) -> bool:
    return all(" " <= character != "\x7f" for character in text)


def retry_at(
    attempt_count: int, failed_at: datetime, asked_seconds: float | None = None
) -> datetime | None:
    """Return when to try again after so many attempts; None after the last.

    A receiver that asks to be left alone for longer than the schedule does is, up to a day.
    """
    if attempt_count >= MAX_ATTEMPTS:
        return None
    asked = min(asked_seconds or 0.0, MAX_RETRY_AFTER_SECONDS)
    delay = RETRY_DELAYS_SECONDS[max(attempt_count, 1) - 1]
    return failed_at + timedelta(seconds=max(delay, asked))

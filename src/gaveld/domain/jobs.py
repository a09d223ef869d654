"""Work that is accepted now and done later, and how far it is. What the work is, others know."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class JobKind(StrEnum):
    """What sort of work a job is."""

    CONTENT = "content"
    BACKTEST = "backtest"


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """It failed as often as it may, and an operator must look."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self in (JobState.DONE, JobState.CANCELLED, JobState.DEAD)


class JobOutcome(StrEnum):
    """What became of one attempt at a job."""

    DONE = "done"
    RETRIED = "retried"
    DEAD = "dead"
    LOST = "lost"
    """Somebody else has the job, or it was cancelled: nothing was kept of the attempt."""
    RELEASED = "released"
    """The worker stopped, and gave the job back."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How much of a long job is done, of how much."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work of one project.

    ``id`` is a random UUID in hex and the operation's name. ``payload`` is what is asked, and
    ``answer`` what came of it, both opaque here; ``payload_sha256`` tells repeats from other
    requests. A job's ``request_id`` is unique in its project; with ``content_id`` set, so are
    content id and ``content_sha256`` together, so that the same content is judged once; that digest
    is of the content and its type.
    ``actor_id`` is the person who made the content, whom a project may ask to forget.
    ``sealed_callback_url`` is the submitter's own address as a ``SecretBox`` sealed it, empty for
    none and once the job is final; it is not in the payload.
    ``priority`` is -100 to 100; higher goes first within a project. ``review_queue`` sends the
    content to people whatever comes of it. ``error_reason`` and ``error_message`` are of the last
    attempt and quote no content. ``steps`` are None where nobody tells them. Times are UTC.
    """

    id: str
    project: str
    kind: JobKind
    request_id: str
    payload_sha256: bytes
    created_at: datetime
    updated_at: datetime
    payload: bytes = field(default=b"", repr=False)
    content_id: str = ""
    content_sha256: str = ""
    actor_id: str = field(default="", repr=False)
    sealed_callback_url: bytes = field(default=b"", repr=False)
    priority: int = 0
    review_queue: str = ""
    state: JobState = JobState.WAITING
    attempt_count: int = 0
    answer: bytes = field(default=b"", repr=False)
    error_reason: str = ""
    error_message: str = ""
    steps: Steps | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's hold on one job, until ``expires_at`` unless extended.

    ``token`` is new with each lease: whoever holds an old one can't finish the job any more.
    """

    job: Job
    token: str
    expires_at: datetime

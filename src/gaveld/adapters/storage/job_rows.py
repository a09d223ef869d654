"""The table of jobs: a row for each, and the columns that leasing and erasing go by."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import DateTime, Index, Integer, LargeBinary, Row, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.sealing import Sealed
from gaveld.adapters.storage.tables import AnyText, Base
from gaveld.domain.jobs import Job, JobKind, JobState

_IS_OPEN: Final = text("due_at IS NOT NULL")
_HAS_WORDS: Final = text("words_until IS NOT NULL")
_HAS_ACTOR: Final = text("actor_id IS NOT NULL")
_IS_RARE: Final = text("state IN ('waiting', 'running', 'dead')")
HIGHEST_PRIORITY: Final = 100


class JobRow(Base):
    """One job.

    ``content_key`` stands for content id and hash, and is None where the content may be submitted
    again. ``actor_id`` is None for nobody. ``lane`` is the project and the priority, in the order
    in which they are leased. ``due_at`` is when the job may be leased: a waiting one's turn, or the
    end of a running one's lease; None for a final one. ``words_until`` is when the answer's words
    are to be erased, None if there are none, or they are.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_request", "project", "request_id", unique=True),
        Index("ix_jobs_content", "project", "content_key", unique=True),
        Index("ix_jobs_project", "project", "created_at", "id"),
        Index("ix_jobs_created", "created_at", "id"),
        Index(
            "ix_jobs_lane", "lane", "due_at", "id", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN
        ),
        Index("ix_jobs_words", "words_until", sqlite_where=_HAS_WORDS, postgresql_where=_HAS_WORDS),
        Index(
            "ix_jobs_actor",
            "project",
            "actor_id",
            sqlite_where=_HAS_ACTOR,
            postgresql_where=_HAS_ACTOR,
        ),
        Index(
            "ix_jobs_state",
            "state",
            "project",
            "created_at",
            "id",
            sqlite_where=_IS_RARE,
            postgresql_where=_IS_RARE,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    project: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str] = mapped_column(String(128))
    payload_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_callback_url: Mapped[bytes | None] = mapped_column(Sealed)
    content_id: Mapped[str] = mapped_column(AnyText)
    content_sha256: Mapped[str] = mapped_column(String(64))
    content_key: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    actor_id: Mapped[str | None] = mapped_column(AnyText)
    priority: Mapped[int] = mapped_column(Integer)
    review_queue: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    attempt_count: Mapped[int] = mapped_column(Integer)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    error_reason: Mapped[str] = mapped_column(String(64))
    error_message: Mapped[str] = mapped_column(AnyText)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lane: Mapped[str] = mapped_column(
        String(132).with_variant(String(132, collation="C"), "postgresql")
    )
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    words_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_token: Mapped[str] = mapped_column(String(32), default="")
    worker: Mapped[str] = mapped_column(String(128), default="")


JOBS: Final = cast(Table, JobRow.__table__)
"""The same table, for statements that are run often."""


def lane_of(project: str, priority: int) -> str:
    """Return the lane of a job: of one project's, that of the higher priority comes first."""
    return f"{project}/{HIGHEST_PRIORITY - priority:03d}"


def project_of(lane: str) -> str:
    """Return the project whose lane it is."""
    return lane.rpartition("/")[0]


def content_key(content_id: str, content_sha256: str) -> bytes | None:
    """Return what equal contents of equal ids have in common; None without an id."""
    if not content_id:
        return None
    return hashlib.sha256(f"{content_id}\0{content_sha256}".encode()).digest()


def values_of(job: Job) -> dict[str, Any]:
    """Return the columns of a new job, as it is."""
    is_open = not job.state.is_final
    return {
        "id": job.id,
        "project": job.project,
        "kind": job.kind.value,
        "request_id": job.request_id,
        "payload_sha256": job.payload_sha256,
        "payload": job.payload if is_open else b"",
        "sealed_callback_url": (is_open and job.sealed_callback_url) or None,
        "content_id": job.content_id,
        "content_sha256": job.content_sha256,
        "content_key": content_key(job.content_id, job.content_sha256),
        "actor_id": job.actor_id or None,
        "priority": job.priority,
        "review_queue": job.review_queue,
        "state": job.state.value,
        "attempt_count": job.attempt_count,
        "answer": job.answer,
        "error_reason": job.error_reason,
        "error_message": job.error_message,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "lane": lane_of(job.project, job.priority),
        "due_at": job.created_at if is_open else None,
        "words_until": None,
    }


def job_from(row: JobRow | Row[Any], *, with_payload: bool = True) -> Job:
    """Return the job of a row."""
    return Job(
        id=row.id,
        project=row.project,
        kind=JobKind(row.kind),
        request_id=row.request_id,
        payload_sha256=row.payload_sha256,
        created_at=aware(row.created_at),
        updated_at=aware(row.updated_at),
        payload=row.payload if with_payload else b"",
        sealed_callback_url=row.sealed_callback_url or b"",
        content_id=row.content_id,
        content_sha256=row.content_sha256,
        actor_id=row.actor_id or "",
        priority=row.priority,
        review_queue=row.review_queue,
        state=JobState(row.state),
        attempt_count=row.attempt_count,
        answer=row.answer,
        error_reason=row.error_reason,
        error_message=row.error_message,
    )


def aware(time: datetime) -> datetime:
    """Return a time with its zone: SQLite gives it back without, PostgreSQL in UTC."""
    return time.replace(tzinfo=UTC)

"""Jobs, and what is written with them, for tests."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, Records
from gaveld.domain.jobs import Job, JobKind
from gaveld.domain.rules import RuleFacts

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """Tells the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def a_job(project: str = "shop", *, at: datetime = NOON, **facts: object) -> Job:
    """A new job unlike any other, created then."""
    payload = facts.pop("payload", b"what is asked")
    defaults = {
        "id": uuid4().hex,
        "kind": JobKind.CONTENT,
        "request_id": uuid4().hex,
        "payload": payload,
        "payload_sha256": sha256(payload).digest(),
        "created_at": at,
        "updated_at": at,
    }
    return Job(project=project, **{**defaults, **facts})


def records_of(job: Job, *, payload: bytes = b"", content_retention_days: int = 30) -> Records:
    """What a judged job leaves behind: a decision under its id."""
    facts = RuleFacts({}, {}, frozenset(), {}, "en", "allow", "full")
    decision = Decision(
        id=job.id,
        project=job.project,
        content_id=job.content_id,
        content_sha256=job.content_sha256,
        decided_at=NOON,
        action=Action.ALLOW,
        policy_revision="1",
        facts=facts,
        parts=(),
        payload=payload,
        content_retention_days=content_retention_days,
    )
    return Records(decision=decision)

"""Jobs in memory, for tests to look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from gaveld.application.ports import JobCounts, JobPage, StripWords
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import (
    AlreadyExists,
    ErrorReason,
    FieldViolation,
    InvalidRequest,
)
from gaveld.domain.jobs import Job, JobKind, JobState, Lease
from gaveld.domain.review_items import ReviewItem


@dataclass
class _Kept:
    job: Job
    due_at: datetime | None
    keeps_content: bool = True
    words_until: datetime | None = None
    token: str = ""


@dataclass
class FakeJobStore:
    """A ``JobStore`` in memory. ``records`` are what was written with each job."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keep_words_seconds: float = 3600.0
    records: dict[str, list[Records]] = field(default_factory=dict)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _turns: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> dict[str, Job]:
        """Every job as it is."""
        return {job_id: kept.job for job_id, kept in self._kept.items()}

    async def add(self, job: Job, review_item: ReviewItem | None = None) -> Job:
        return self._add(job, Records(review_item=review_item), None)

    async def add_done(self, job: Job, records: Records) -> Job:
        return self._add(
            replace(job, payload=b""), records, self._words_until(job, job.answer, records)
        )

    async def find(self, project: str | None, job_id: str) -> Job | None:
        job = self.jobs.get(job_id)
        return job if job is not None and project in (None, job.project) else None

    async def find_repeated(self, job: Job) -> Job | None:
        return self._repeated(job)

    def _repeated(self, job: Job) -> Job | None:
        own = [kept for kept in self._kept.values() if kept.job.project == job.project]
        for kept in own:
            if kept.job.request_id == job.request_id:
                if kept.job.payload_sha256 != job.payload_sha256:
                    raise AlreadyExists(
                        ErrorReason.REQUEST_ID_REUSED,
                        "The request_id was used for a call that asked something else.",
                        metadata={"request_id": job.request_id},
                    )
                return kept.job
        for kept in own:
            if job.content_id and kept.keeps_content and _content(kept.job) == _content(job):
                return kept.job
        return None

    async def list(
        self,
        project: str | None = None,
        *,
        state: JobState | None = None,
        limit: int = 100,
        token: str = "",
    ) -> JobPage:
        found = sorted(
            (
                replace(job, payload=b"")
                for job in self.jobs.values()
                if project in (None, job.project) and state in (None, job.state)
            ),
            key=lambda job: (job.created_at, job.id),
            reverse=True,
        )
        places = [job.id for job in found]
        if token and token not in self._kept:
            raise InvalidRequest(
                FieldViolation("page_token", "is not the next_page_token of a page"),
                reason=ErrorReason.INVALID_PAGE_TOKEN,
            )
        begin = places.index(token) + 1 if token in places else 0
        page = found[begin : begin + limit]
        return JobPage(page, page[-1].id if len(found) > begin + limit else "")

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Lease]:
        now = self.clock()
        leases: list[Lease] = []
        while len(leases) < limit:
            kept = self._next(now)
            if kept is None:
                break
            kept.job = replace(
                kept.job,
                state=JobState.RUNNING,
                attempt_count=kept.job.attempt_count + 1,
                updated_at=now,
            )
            kept.token, kept.due_at = uuid4().hex, now + timedelta(seconds=seconds)
            leases.append(Lease(kept.job, kept.token, kept.due_at))
        return leases

    async def extend(self, lease: Lease, seconds: float) -> bool:
        kept = self._held(lease)
        if kept is None:
            return False
        kept.due_at = self.clock() + timedelta(seconds=seconds)
        return True

    async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        kept = self._held(lease)
        if kept is None:
            return False
        kept.words_until = self._words_until(kept.job, answer, records)
        self._end(kept, state=JobState.DONE, answer=answer, error_reason="", error_message="")
        self.records.setdefault(kept.job.id, []).append(records)
        return True

    async def fail(
        self, lease: Lease, reason: str, message: str, *, retry_at: datetime | None
    ) -> bool:
        kept = self._held(lease)
        if kept is None:
            return False
        payload = kept.job.payload
        error = {"error_reason": reason, "error_message": message}
        self._end(kept, state=JobState.DEAD, **error)
        kept.job = replace(kept.job, payload=payload)
        kept.keeps_content = False
        if retry_at is not None:
            kept.job = replace(kept.job, state=JobState.WAITING)
            kept.due_at, kept.keeps_content = retry_at, True
        return True

    async def release(self, lease: Lease) -> bool:
        kept = self._held(lease)
        if kept is None:
            return False
        kept.token, kept.due_at = "", kept.job.created_at
        kept.job = replace(
            kept.job, state=JobState.WAITING, attempt_count=kept.job.attempt_count - 1
        )
        return True

    async def cancel(self, project: str, job_id: str) -> Job | None:
        job = await self.find(project, job_id)
        if job is None or job.state.is_final:
            return job
        kept = self._kept[job_id]
        self._end(kept, state=JobState.CANCELLED)
        kept.keeps_content = False
        return kept.job

    async def requeue(self, job_id: str) -> Job | None:
        kept = self._kept.get(job_id)
        if kept is None or kept.job.state is not JobState.DEAD:
            return None
        job = kept.job
        for other in self._kept.values():
            if other.keeps_content and job.content_id and _content(other.job) == _content(job):
                return None
        now = self.clock()
        kept.job = replace(job, state=JobState.WAITING, attempt_count=0, updated_at=now)
        kept.due_at, kept.keeps_content = now, True
        return kept.job

    async def waiting(self, *, older_than: datetime, limit: int) -> Sequence[str]:
        due = [kept for kept in self._kept.values() if kept.due_at and kept.due_at < older_than]
        projects = {kept.job.project for kept in due}
        share = max(1, limit // max(1, len(projects)))
        return [
            kept.job.id
            for project in sorted(projects)
            for kept in [kept for kept in due if kept.job.project == project][:share]
        ][:limit]

    async def counts(self, now: datetime) -> JobCounts:
        states = [job.state for job in self.jobs.values()]
        due = [kept.due_at for kept in self._kept.values() if kept.due_at and kept.due_at <= now]
        return JobCounts(
            waiting=states.count(JobState.WAITING),
            running=states.count(JobState.RUNNING),
            dead=states.count(JobState.DEAD),
            oldest_due_at=min(due, default=None),
        )

    async def erase_words(self, now: datetime, strip: StripWords, *, limit: int) -> int:
        due = [kept for kept in self._kept.values() if kept.words_until and kept.words_until < now]
        for kept in due[:limit]:
            kept.job = replace(kept.job, answer=strip(kept.job.answer))
            kept.words_until = None
        return len(due[:limit])

    async def erase(self, *, before: datetime, limit: int) -> int:
        old = [
            job.id for job in self.jobs.values() if job.created_at < before and job.state.is_final
        ]
        for job_id in old[:limit]:
            del self._kept[job_id]
        return len(old[:limit])

    def _add(self, job: Job, records: Records, words_until: datetime | None) -> Job:
        repeated = self._repeated(job)
        if repeated is not None:
            return repeated
        due_at = None if job.state.is_final else job.created_at
        self._kept[job.id] = _Kept(job, due_at, words_until=words_until)
        if records != Records():
            self.records.setdefault(job.id, []).append(records)
        return job

    def _next(self, now: datetime) -> _Kept | None:
        due = [
            kept for kept in self._kept.values() if kept.due_at is not None and kept.due_at <= now
        ]
        if not due:
            return None
        projects = {kept.job.project for kept in due}
        waits = [project for project in self._turns if project in projects]
        project = min(projects - set(self._turns), default=waits[0] if waits else "")
        if project in self._turns:
            self._turns.remove(project)
        self._turns.append(project)
        own = (kept for kept in due if kept.job.project == project)
        return min(own, key=lambda kept: (-kept.job.priority, kept.due_at, kept.job.id))

    def _held(self, lease: Lease) -> _Kept | None:
        kept = self._kept.get(lease.job.id)
        return kept if kept is not None and kept.token == lease.token else None

    def _end(self, kept: _Kept, **changes: object) -> None:
        kept.job = replace(kept.job, payload=b"", updated_at=self.clock(), **changes)
        kept.due_at, kept.token = None, ""

    def _words_until(self, job: Job, answer: bytes, records: Records) -> datetime | None:
        if job.kind is not JobKind.CONTENT or not answer:
            return None
        decision = records.decision
        if decision is not None and decision.payload:
            return decision.decided_at + timedelta(days=decision.content_retention_days)
        return self.clock() + timedelta(seconds=self.keep_words_seconds)


def _content(job: Job) -> tuple[str, str, str]:
    return job.project, job.content_id, job.content_sha256

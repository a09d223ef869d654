"""Keeps jobs in SQL, leases them fairly, and finishes each once with all that comes of it.

What a job asks and answers is opaque here; what else it leaves behind, recorders write.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Update, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage.job_changes import (
    EXTEND,
    FINISH,
    GIVE_UP,
    RELEASE,
    TRY_AGAIN,
)
from gaveld.adapters.storage.job_lanes import MOST_LANES, Taking, lanes_due
from gaveld.adapters.storage.job_pages import page_of, page_query
from gaveld.adapters.storage.job_rows import (
    JOBS,
    JobRow,
    aware,
    content_key,
    job_from,
    values_of,
)
from gaveld.adapters.storage.recording import Recorder
from gaveld.adapters.storage.tables import can_be_id, transaction
from gaveld.adapters.storage.writing import Writes
from gaveld.application.ports import JobCounts, JobPage, StripWords
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import AlreadyExists, ErrorReason, FieldViolation
from gaveld.domain.jobs import Job, JobKind, JobState, Lease
from gaveld.domain.review_items import ReviewItem

UNREACHED: Final = "The jobs can't be reached."
KEEP_WORDS_SECONDS: Final = 3600.0
_OPEN: Final = (JobState.WAITING.value, JobState.RUNNING.value)
_COUNTED: Final = (*_OPEN, JobState.DEAD.value)
NOTHING: Final = Records()


def _of_project(is_same: ColumnElement[bool]) -> Select[Any]:
    return select(*JOBS.c).where(JOBS.c.project == bindparam("of_project"), is_same)


_OF_REQUEST: Final = _of_project(JOBS.c.request_id == bindparam("of_request"))
_OF_CONTENT: Final = _of_project(JOBS.c.content_key == bindparam("of_content"))


class SqlJobStore:
    """A ``JobStore`` over SQLAlchemy; ``migrate`` the engine first.

    ``recorders`` write the records that come with jobs, each its sort. ``keep_words_seconds`` is
    how long an answer's words are kept where no policy keeps the content. Turns go round the
    projects for each store by itself, which is as fair.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        recorders: Sequence[Recorder] = (),
        *,
        keep_words_seconds: float = KEEP_WORDS_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._insert = insert(JOBS).on_conflict_do_nothing().returning(JOBS.c.id)
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)
        self._recorders = tuple(recorders)
        self._keep_words_seconds = keep_words_seconds
        self._clock = clock
        self._last_served = ""

    async def add(self, job: Job, review_item: ReviewItem | None = None) -> Job:
        """Keep a new job; see ``JobStore.add``."""
        return await self._add(job, values_of(job), Records(review_item=review_item))

    async def add_done(self, job: Job, records: Records) -> Job:
        """Keep a job that is done; see ``JobStore.add_done``."""
        values = values_of(job) | {"words_until": self._words_until(job, job.answer, records)}
        return await self._add(job, values, records)

    async def find(self, project: str | None, job_id: str) -> Job | None:
        """Return a job; see ``JobStore.find``."""
        if not can_be_id(job_id):
            return None
        async with self._read() as session:
            row = await session.get(JobRow, job_id)
            if row is None or project not in (None, row.project):
                return None
            return job_from(row)

    async def find_repeated(self, job: Job) -> Job | None:
        """Return the job that this one repeats; see ``JobStore.find_repeated``."""
        async with self._read() as session:
            return await _repeated(session, job)

    async def list(
        self,
        project: str | None = None,
        *,
        state: JobState | None = None,
        limit: int = 100,
        token: str = "",
    ) -> JobPage:
        """Return a page; see ``JobStore.list``."""
        query = page_query(project, state, limit, token)
        async with self._read() as session:
            return page_of(list(await session.scalars(query)), limit)

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Lease]:
        """Take jobs; see ``JobStore.lease``."""
        now = self._clock()
        taking = Taking(worker, now, now + timedelta(seconds=seconds))

        async def take(session: AsyncSession) -> Sequence[Lease]:
            leases = await taking.take_in_turn(session, limit, self._last_served)
            if leases:
                self._last_served = leases[-1].job.project
            return leases

        return await self._writes.run(take)

    async def extend(self, lease: Lease, seconds: float) -> bool:
        """Hold on; see ``JobStore.extend``."""
        return await self._change(EXTEND, lease, {"until": self._in(seconds)})

    async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        """Mark the job done; see ``JobStore.finish``."""
        words_until = self._words_until(lease.job, answer, records)
        done = {"of_answer": answer, "until": words_until, "now": self._clock()}
        return await self._change(FINISH, lease, done, records)

    async def fail(
        self, lease: Lease, reason: str, message: str, *, retry_at: datetime | None
    ) -> bool:
        """Give the job up, or back; see ``JobStore.fail``."""
        why = {"reason": reason, "message": message, "now": self._clock()}
        if retry_at is None:
            return await self._change(GIVE_UP, lease, why)
        return await self._change(TRY_AGAIN, lease, {**why, "until": retry_at})

    async def release(self, lease: Lease) -> bool:
        """Give the job back; see ``JobStore.release``."""
        return await self._change(RELEASE, lease, {"now": self._clock()})

    async def cancel(self, project: str, job_id: str) -> Job | None:
        """Cancel a job; see ``JobStore.cancel``."""
        if not can_be_id(job_id):
            return None
        is_meant = (JobRow.id == job_id, JobRow.project == project)
        cancelled = (
            update(JobRow)
            .where(*is_meant, JobRow.state.in_(_OPEN))
            .values(
                lease_token="",
                worker="",
                state=JobState.CANCELLED.value,
                due_at=None,
                payload=b"",
                sealed_callback_url=None,
                content_key=None,
                updated_at=self._clock(),
            )
        )

        async def work(session: AsyncSession) -> Job | None:
            await session.execute(cancelled)
            row = await session.scalar(select(JobRow).where(*is_meant))
            return None if row is None else job_from(row)

        return await self._writes.run(work)

    async def requeue(self, job_id: str) -> Job | None:
        """Let a dead job be tried anew; see ``JobStore.requeue``."""
        now = self._clock()
        is_dead = (JOBS.c.id == job_id, JOBS.c.state == JobState.DEAD.value)

        async def work(session: AsyncSession) -> Job | None:
            dead = (await session.execute(select(JOBS).where(*is_dead))).one_or_none()
            if dead is None:
                return None
            waiting = {
                "state": JobState.WAITING.value,
                "attempt_count": 0,
                "due_at": now,
                "updated_at": now,
                "content_key": content_key(dead.content_id, dead.content_sha256),
            }
            queued = update(JOBS).where(*is_dead).values(waiting).returning(*JOBS.c)
            try:
                async with session.begin_nested():
                    row = (await session.execute(queued)).one_or_none()
            except IntegrityError:  # its content was submitted again
                return None
            return None if row is None else job_from(row)

        return await self._writes.run(work)

    async def waiting(self, *, older_than: datetime, limit: int) -> Sequence[str]:
        """Return jobs to be told of again; see ``JobStore.waiting``."""
        found: list[str] = []
        async with self._read() as session:
            projects = await lanes_due(session, older_than, most=limit)
            share = max(1, limit // max(1, len(projects)))
            for lanes in projects.values():
                due = select(JobRow.id).where(JobRow.lane.in_(lanes), JobRow.due_at < older_than)
                found += await session.scalars(due.order_by(JobRow.due_at).limit(share))
        return found[:limit]

    async def counts(self, now: datetime) -> JobCounts:
        """Count the work; see ``JobStore.counts``."""
        is_counted = JobRow.state.in_(
            bindparam("counted", _COUNTED, expanding=True, literal_execute=True)
        )
        query = select(JobRow.state, func.count()).where(is_counted).group_by(JobRow.state)
        async with self._read() as session:
            counts = {row[0]: row[1] for row in await session.execute(query)}
            lanes = await lanes_due(session, now, most=MOST_LANES)
            oldest = [
                await session.scalar(select(func.min(JobRow.due_at)).where(JobRow.lane == lane))
                for lane in chain.from_iterable(lanes.values())
            ]
        return JobCounts(
            waiting=counts.get(JobState.WAITING.value, 0),
            running=counts.get(JobState.RUNNING.value, 0),
            dead=counts.get(JobState.DEAD.value, 0),
            oldest_due_at=min((aware(due) for due in oldest if due is not None), default=None),
        )

    async def erase_words(self, now: datetime, strip: StripWords, *, limit: int) -> int:
        """Take words out of answers; see ``JobStore.erase_words``."""
        due = (
            select(JobRow.id, JobRow.answer)
            .where(JobRow.words_until < now)
            .order_by(JobRow.words_until)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        async def work(session: AsyncSession) -> int:
            rows = (await session.execute(due)).all()
            for job_id, answer in rows:
                await session.execute(
                    update(JobRow)
                    .where(JobRow.id == job_id)
                    .values(answer=strip(answer), words_until=None)
                )
            return len(rows)

        return await self._writes.run(work)

    async def erase(self, *, before: datetime, limit: int) -> int:
        """Erase old final jobs; see ``JobStore.erase``."""
        old = (
            select(JobRow.id)
            .where(JobRow.created_at < before, JobRow.due_at.is_(None))
            .order_by(JobRow.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        async def work(session: AsyncSession) -> int:
            erased = delete(JobRow).where(JobRow.id.in_(old)).returning(JobRow.id)
            return len((await session.scalars(erased)).all())

        return await self._writes.run(work)

    async def _add(self, job: Job, values: Mapping[str, Any], records: Records) -> Job:
        async def work(session: AsyncSession) -> Job | None:
            if await session.scalar(self._insert, values) is None:
                return await _repeated(session, job)
            await self._record(session, records)
            return job

        while True:
            kept = await self._writes.run(work)
            if kept is not None:
                return kept
            # What it repeated was erased in between, so this is the first now.

    async def _change(
        self, statement: Update, lease: Lease, values: Mapping[str, Any], records: Records = NOTHING
    ) -> bool:
        """Change a job if the lease holds it, and say whether it did."""
        held = {"of_id": lease.job.id, "token": lease.token, **values}

        async def work(session: AsyncSession) -> bool:
            if await session.scalar(statement, held) is None:
                return False
            await self._record(session, records)
            return True

        return await self._writes.run(work)

    async def _record(self, session: AsyncSession, records: Records) -> None:
        if records == NOTHING:
            return
        for record in self._recorders:
            await record(session, records)

    def _words_until(self, job: Job, answer: bytes, records: Records) -> datetime | None:
        if job.kind is not JobKind.CONTENT or not answer:
            return None
        decision = records.decision
        if decision is not None and decision.payload:
            return decision.decided_at + timedelta(days=decision.content_retention_days)
        return self._in(self._keep_words_seconds)

    def _in(self, seconds: float) -> datetime:
        return self._clock() + timedelta(seconds=seconds)

    def _read(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)


async def _repeated(session: AsyncSession, job: Job) -> Job | None:
    key = content_key(job.content_id, job.content_sha256)
    asked = {"of_project": job.project, "of_request": job.request_id, "of_content": key}
    for query in (_OF_REQUEST, _OF_CONTENT) if key is not None else (_OF_REQUEST,):
        row = (await session.execute(query, asked)).one_or_none()
        if row is None:
            continue
        if row.request_id == job.request_id and row.payload_sha256 != job.payload_sha256:
            raise AlreadyExists(
                ErrorReason.REQUEST_ID_REUSED,
                "The request_id was used for a call that asked something else.",
                metadata={"request_id": job.request_id},
                violations=(
                    FieldViolation("request_id", "was used for another call; take a new one"),
                ),
            )
        return job_from(row)
    return None

"""Keeps content that waits for people in SQL. Who may take it the domain says; what for, callers.

Of several that change an item at once one wins: every change is made to the item under the etag
that was read, and gives it a new one.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import defer
from sqlalchemy.sql.dml import ReturningUpdate

from gaveld.adapters.storage.feedback import erase_feedback, record_feedback
from gaveld.adapters.storage.job_rows import JobRow
from gaveld.adapters.storage.recording import Recorder
from gaveld.adapters.storage.review_item_erasing import erase_content
from gaveld.adapters.storage.review_item_rows import (
    IS_PENDING,
    ReviewItemRow,
    ReviewOpinionRow,
    item_of,
    item_row,
    new_etag,
    opinion_of,
    opinion_row,
    utc,
)
from gaveld.adapters.storage.stripping import without_words
from gaveld.adapters.storage.tables import transaction
from gaveld.adapters.storage.writing import Writes
from gaveld.application.ports import StripWords, WaitingReviews
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import Aborted, ErrorReason
from gaveld.domain.feedback import Feedback
from gaveld.domain.jobs import JobState
from gaveld.domain.review_items import ReviewItem, ReviewOpinion, ReviewState, feedback_id

UNREACHED: Final = "The review queues can't be reached."
ROWS_AT_ONCE: Final = 100

_JUDGED: Final = ("state", "actor_id", "payload", "answer", "content_until", "details", "etag")
"""What a judgement says of an item."""


async def record_review_item(session: AsyncSession, records: Records) -> None:
    """Write the item of a piece of work, if it has one; what is known unjudged gets its judgement.

    One that is judged already, or decided, stays as it is.
    """
    item = records.review_item
    if item is None:
        return
    known = await session.get(ReviewItemRow, (item.project, item.id), with_for_update=True)
    if known is None:
        session.add(item_row(item))
    elif not known.answer and not ReviewState(known.state).is_final:
        judged = item_row(item)
        for name in _JUDGED:
            setattr(known, name, getattr(judged, name))


class SqlReviewItemStore:
    """A ``ReviewItemStore`` over SQLAlchemy; ``migrate`` the engine first.

    ``recorders`` write what follows from an opinion, and ``wordless`` takes the words out of an
    answer when the content is erased.
    """

    def __init__(
        self, engine: AsyncEngine, recorders: Sequence[Recorder], wordless: StripWords
    ) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)
        self._recorders = tuple(recorders)
        self._wordless = wordless

    async def find(self, project: str, queue: str, item_id: str) -> ReviewItem | None:
        """Return an item; see ``ReviewItemStore.find``."""
        async with self._begin() as session:
            return await self._find(session, project, queue, item_id)

    async def list(
        self,
        project: str,
        queue: str = "",
        *,
        state: ReviewState | None = None,
        unclaimed_only: bool = False,
        limit: int,
        after: str = "",
    ) -> Sequence[ReviewItem]:
        """Return items; see ``ReviewItemStore.list``."""
        row = ReviewItemRow
        query = select(row).where(row.project == project, row.place > after).order_by(row.place)
        if queue:
            query = query.where(row.queue == queue)
        if state is not None:
            query = query.where(row.state == state)
        if unclaimed_only:
            query = query.where(_nobody_has(datetime.now(UTC)))
        async with self._begin() as session:
            bare = query.options(defer(row.payload)).limit(limit)
            return await self._items(session, bare, whole=False)

    async def claim(
        self,
        project: str,
        queue: str,
        item_id: str,
        reviewer: str,
        *,
        until: datetime,
        request_id: str = "",
    ) -> ReviewItem | None:
        """Take an item; see ``ReviewItemStore.claim``."""
        claimed = {"claimant": reviewer, "claimed_until": until, "claim_request_id": request_id}
        if item_id:
            return await self._change(project, queue, item_id, reviewer, claimed)
        row = ReviewItemRow
        free = _oldest_free(project, queue, reviewer, datetime.now(UTC))
        taken = (
            update(row)
            .where(row.project == project, row.id == free.scalar_subquery())
            .values(**claimed, etag=new_etag())
            .returning(row.id)
        )

        async def take(session: AsyncSession) -> ReviewItem | None:
            again = await self._claimed_before(session, project, queue, reviewer, request_id)
            if again is not None:
                return again
            taken_id = await session.scalar(taken)
            return await self._find(session, project, queue, taken_id or "")

        return await self._writes.run(take)

    async def release(
        self, project: str, queue: str, item_id: str, reviewer: str
    ) -> ReviewItem | None:
        """Give an item back; see ``ReviewItemStore.release``."""
        released = {"claimant": "", "claimed_until": None, "claim_request_id": ""}
        return await self._change(project, queue, item_id, reviewer, released)

    async def decide(
        self,
        item: ReviewItem,
        opinion: ReviewOpinion,
        records: Records,
        feedback: Feedback | None = None,
    ) -> ReviewItem:
        """Add an opinion; see ``ReviewItemStore.decide``."""
        decided = replace(item.with_opinion(opinion), etag=new_etag())
        if decided.state.is_final:
            decided = replace(decided, sealed_callback_url=b"")  # nobody else is told
        if decided.state.is_final and not decided.keep_content:
            answer = without_words(decided.answer, self._wordless)
            decided = replace(decided, payload=b"", answer=answer)
        row = ReviewItemRow
        changed = (
            update(row)
            .where(row.project == item.project, row.id == item.id, row.etag == item.etag)
            .values(_decided_columns(decided, opinion.decided_at))
            .returning(row.id)
        )

        async def change(session: AsyncSession) -> None:
            if await session.scalar(changed) is None:
                raise Aborted(
                    ErrorReason.ETAG_MISMATCH,
                    "The review item changed since it was read.",
                    metadata={"etag": item.etag},
                )
            session.add(opinion_row(item, opinion))
            for record in self._recorders:
                await record(session, records)
            if feedback is not None:
                await record_feedback(session, feedback)

        await self._writes.run(change)
        return decided

    async def waiting(self) -> WaitingReviews:
        """Count what waits; see ``ReviewItemStore.waiting``."""
        row = ReviewItemRow
        counts = select(func.count(), func.min(row.created_at)).where(IS_PENDING)
        async with self._begin() as session:
            count, oldest_at = (await session.execute(counts)).one()
        return WaitingReviews(count, utc(oldest_at) if oldest_at else None)

    async def erase_expired(self, now: datetime) -> int:
        """Erase what is over; see ``ReviewItemStore.erase_expired``."""
        row = ReviewItemRow
        over = select(row).where(row.kept_until <= now)
        stale = select(row).where(row.content_until <= now)

        async def erase(session: AsyncSession, item: ReviewItemRow) -> None:
            await erase_content(session, item, self._wordless)

        return (
            await self._each(_unjudged(JobState.CANCELLED), _delete)
            + await self._each(_unjudged(JobState.DEAD), _open)
            + await self._each(over, _delete)
            + await self._each(stale, erase)
        )

    async def _each(
        self,
        query: Select[ReviewItemRow],
        change: Callable[[AsyncSession, ReviewItemRow], Awaitable[None]],
    ) -> int:
        """Change all rows of a query, some at a time, so that it finds them no more."""
        changed = 0
        some = query.limit(ROWS_AT_ONCE).with_for_update(skip_locked=True, of=ReviewItemRow)

        async def work(session: AsyncSession) -> int:
            rows = (await session.scalars(some)).all()
            for item in rows:
                await change(session, item)
            return len(rows)

        while True:
            count = await self._writes.run(work)
            changed += count
            if count < ROWS_AT_ONCE:
                return changed

    async def _change(
        self, project: str, queue: str, item_id: str, reviewer: str, values: Mapping[str, Any]
    ) -> ReviewItem | None:
        """Claim an item by name, or release it, as often as somebody else is faster.

        Who may is asked before the write, so that a refusal undoes none that shares its commit.
        """
        row = ReviewItemRow
        while True:
            item = await self.find(project, queue, item_id)
            if item is None:
                return None
            now = datetime.now(UTC)
            if values["claimant"]:
                item.require_open_to(reviewer, now)
            else:
                item.require_not_held_from(reviewer, now)
                if not item.claimant:
                    return item
            changed = (
                update(row)
                .where(row.project == project, row.id == item_id, row.etag == item.etag)
                .values(**values, etag=new_etag())
                .returning(row.id)
            )
            after = await self._writes.run(partial(self._after, changed, item))
            if after is not None:
                return after

    async def _after(
        self, changed: ReturningUpdate[str], item: ReviewItem, session: AsyncSession
    ) -> ReviewItem | None:
        """Change the item and return it; None if it isn't any more as it was read."""
        if await session.scalar(changed) is None:
            return None
        return await self._find(session, item.project, item.queue, item.id)

    async def _claimed_before(
        self, session: AsyncSession, project: str, queue: str, reviewer: str, request_id: str
    ) -> ReviewItem | None:
        row = ReviewItemRow
        query = select(row).where(
            row.project == project,
            row.queue == queue,
            row.state == ReviewState.PENDING,
            row.claimant == reviewer,
            row.claim_request_id == request_id,
            row.claimed_until > datetime.now(UTC),
        )
        found = await self._items(session, query.limit(1)) if request_id else ()
        return found[0] if found else None

    async def _find(
        self, session: AsyncSession, project: str, queue: str, item_id: str
    ) -> ReviewItem | None:
        row = ReviewItemRow
        query = select(row).where(row.project == project, row.id == item_id, row.queue == queue)
        found = await self._items(session, query)
        return found[0] if found else None

    async def _items(
        self, session: AsyncSession, query: Select[ReviewItemRow], *, whole: bool = True
    ) -> Sequence[ReviewItem]:
        rows = (await session.scalars(query)).all()
        said: dict[str, list[ReviewOpinion]] = defaultdict(list)
        if rows:
            opinions = select(ReviewOpinionRow).where(
                ReviewOpinionRow.project == rows[0].project,
                ReviewOpinionRow.item_id.in_([row.id for row in rows]),
            )
            for entry in await session.scalars(opinions.order_by(ReviewOpinionRow.number)):
                said[entry.item_id].append(opinion_of(entry))
        return [item_of(row, tuple(said[row.id]), whole=whole) for row in rows]

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)


def _nobody_has(now: datetime) -> ColumnElement[bool]:
    return or_(ReviewItemRow.claimed_until.is_(None), ReviewItemRow.claimed_until <= now)


def _oldest_free(project: str, queue: str, reviewer: str, now: datetime) -> Select[str]:
    row, said = ReviewItemRow, ReviewOpinionRow
    spoke = and_(said.project == row.project, said.item_id == row.id, said.reviewer == reviewer)
    return (
        select(row.id)
        .where(
            row.project == project,
            row.queue == queue,
            row.state == ReviewState.PENDING,
            _nobody_has(now),
            ~select(said.number).where(spoke).exists(),
        )
        .order_by(row.place)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _decided_columns(item: ReviewItem, at: datetime) -> Mapping[str, Any]:
    columns: dict[str, Any] = {
        "state": item.state,
        "etag": item.etag,
        "claimant": "",
        "claimed_until": None,
        "claim_request_id": "",
    }
    if item.state.is_final:
        columns["kept_until"] = at + timedelta(days=item.decision_retention_days)
        columns |= {"payload": item.payload, "answer": item.answer}
        columns["sealed_callback_url"] = None
        if not item.keep_content:
            columns["content_until"] = None
    return columns


def _unjudged(state: JobState) -> Select[ReviewItemRow]:
    row = ReviewItemRow
    query = select(row).join(JobRow, and_(JobRow.id == row.id, JobRow.project == row.project))
    return query.where(row.state == ReviewState.PROCESSING, JobRow.state == state)


async def _open(session: AsyncSession, item: ReviewItemRow) -> None:
    job = await session.get_one(JobRow, item.id)
    item.state, item.payload, item.etag = ReviewState.PENDING, job.payload, new_etag()
    days = timedelta(days=item.details["content_retention_days"])
    item.content_until = utc(item.created_at) + days


async def _delete(session: AsyncSession, item: ReviewItemRow) -> None:
    said = ReviewOpinionRow
    await session.execute(delete(said).where(said.project == item.project, said.item_id == item.id))
    await erase_feedback(session, item.project, feedback_id(item.id))
    await session.delete(item)

"""Keeps people's opinions of texts in SQL. What they are used for is not its business."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import JSON, DateTime, String, Text, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.tables import Base, transaction
from gaveld.adapters.storage.writing import Writes
from gaveld.domain.feedback import Feedback

UNREACHED: Final = "The feedback can't be reached."
ROWS_AT_ONCE: Final = 500

_FEEDBACK: Final = TypeAdapter(Feedback)
_COLUMNS: Final = frozenset({"project", "id", "given_at", "text"})


class FeedbackRow(Base):
    """One opinion: what it is of, and in ``opinion`` all the rest as JSON."""

    __tablename__ = "feedback"

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    # PostgreSQL's texts can't hold U+0000, which people do send; its JSON can.
    text: Mapped[str] = mapped_column(Text().with_variant(JSON(), "postgresql"))
    opinion: Mapped[dict[str, Any]] = mapped_column(JSON)


class SqlFeedbackStore:
    """A ``FeedbackStore`` over SQLAlchemy; ``migrate`` the engine first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)

    async def add(self, feedback: Feedback) -> Feedback | None:
        """Keep an opinion; see ``FeedbackStore.add``."""
        key = (feedback.project, feedback.id)

        async def work(session: AsyncSession) -> Feedback | None:
            known = await session.get(FeedbackRow, key)
            if known is None:
                try:
                    async with session.begin_nested():
                        session.add(_row(feedback))
                except IntegrityError:  # somebody else was faster
                    known = await session.get(FeedbackRow, key)
            return None if known is None else _feedback(known)

        return await self._writes.run(work)

    async def read(
        self, *, project: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Feedback]:
        """Yield opinions; see ``FeedbackStore.read``."""
        query = select(FeedbackRow).order_by(
            FeedbackRow.given_at, FeedbackRow.project, FeedbackRow.id
        )
        if project is not None:
            query = query.where(FeedbackRow.project == project)
        if since is not None:
            query = query.where(FeedbackRow.given_at >= since)
        async with self._begin() as session:
            rows = await session.stream_scalars(query.execution_options(yield_per=ROWS_AT_ONCE))
            async for row in rows:
                yield _feedback(row)

    async def erase(self, *, project: str | None = None, before: datetime | None = None) -> int:
        """Erase opinions; see ``FeedbackStore.erase``."""
        statement = delete(FeedbackRow)
        if project is not None:
            statement = statement.where(FeedbackRow.project == project)
        if before is not None:
            statement = statement.where(FeedbackRow.given_at < before)

        async def work(session: AsyncSession) -> int:
            return len((await session.scalars(statement.returning(FeedbackRow.id))).all())

        return await self._writes.run(work)

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)


async def record_feedback(session: AsyncSession, feedback: Feedback) -> None:
    """Write an opinion with what else is written; one that has its project and id stays."""
    if await session.get(FeedbackRow, (feedback.project, feedback.id)) is None:
        session.add(_row(feedback))


async def erase_feedback(session: AsyncSession, project: str, feedback_id: str) -> None:
    """Erase one opinion, if it is there, with what else is erased."""
    row = FeedbackRow
    await session.execute(delete(row).where(row.project == project, row.id == feedback_id))


def _row(feedback: Feedback) -> FeedbackRow:
    opinion: dict[str, Any] = _FEEDBACK.dump_python(
        feedback, mode="json", exclude=set(_COLUMNS), exclude_defaults=True
    )
    return FeedbackRow(
        project=feedback.project,
        id=feedback.id,
        given_at=feedback.given_at,
        text=feedback.text,
        opinion=opinion,
    )


def _feedback(row: FeedbackRow) -> Feedback:
    facts: Mapping[str, Any] = {
        **row.opinion,
        "project": row.project,
        "id": row.id,
        # SQLite gives times back without their zone, PostgreSQL in UTC.
        "given_at": row.given_at.replace(tzinfo=UTC),
        "text": row.text,
    }
    return _FEEDBACK.validate_python(facts)

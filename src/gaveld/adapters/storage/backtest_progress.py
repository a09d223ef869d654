"""Keeps how far backtests are in SQL, for whoever waits for them on another server."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import DateTime, Integer, String, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.tables import Base, transaction
from gaveld.adapters.storage.users import insert_into
from gaveld.adapters.storage.writing import Writes
from gaveld.domain.jobs import Steps

UNREACHED: Final = "The progress of backtests can't be reached."
KEPT: Final = timedelta(days=1)


class BacktestRow(Base):
    """How far one backtest is, by the id of its job."""

    __tablename__ = "backtests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tried: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    told_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class SqlBacktestProgress:
    """A ``BacktestProgress`` over SQLAlchemy; ``migrate`` the engine first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)

    async def put(self, job_id: str, steps: Steps) -> None:
        """Keep how far it is; see ``BacktestProgress.put``."""
        values = {"tried": steps.done, "total": steps.total, "told_at": datetime.now(UTC)}

        async def work(session: AsyncSession) -> None:
            made = insert_into(session, BacktestRow).values(id=job_id, **values)
            await session.execute(
                made.on_conflict_do_update(index_elements=[BacktestRow.id], set_=values)
            )

        await self._writes.run(work)

    async def find(self, job_id: str) -> Steps | None:
        """Return how far it is; see ``BacktestProgress.find``."""
        query = select(BacktestRow.tried, BacktestRow.total).where(BacktestRow.id == job_id)
        async with transaction(self._sessions, UNREACHED) as session:
            row = (await session.execute(query)).one_or_none()
            return None if row is None else Steps(row.tried, row.total)

    async def erase_expired(self, now: datetime) -> int:
        """Erase what nobody told of for a day; see ``BacktestProgress.erase_expired``."""
        old = delete(BacktestRow).where(BacktestRow.told_at <= now - KEPT).returning(BacktestRow.id)

        async def work(session: AsyncSession) -> int:
            return len((await session.execute(old)).all())

        return await self._writes.run(work)

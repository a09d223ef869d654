"""Keeps what projects used in SQL, a row for each day, project and method. It counts nothing."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Date, String, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.tables import Base, Whole, transaction
from gaveld.adapters.storage.users import count_of, insert_into
from gaveld.adapters.storage.writing import Writes
from gaveld.domain.usage import Usage

UNREACHED: Final = "The usage can't be reached."
SUMS: Final = ("calls", "refused", "items")


class UsageRow(Base):
    """What one project used of one method on one day (UTC)."""

    __tablename__ = "usage"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the key is nearly all there is

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    method: Mapped[str] = mapped_column(String(128), primary_key=True)
    calls: Mapped[int] = mapped_column(Whole)
    refused: Mapped[int] = mapped_column(Whole)
    items: Mapped[int] = mapped_column(Whole)


class SqlUsageStore:
    """A ``UsageStore`` over SQLAlchemy; ``migrate`` the engine first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)

    async def add(self, used: Sequence[Usage]) -> None:
        """Add to what is kept; see ``UsageStore.add``."""
        if used:
            # In one order everywhere, so that servers that add at once never lock each other out.
            await self._writes.run(partial(_add, sorted(used)))

    async def read(
        self,
        *,
        project: str | None = None,
        since: date | None = None,
        after: Usage | None = None,
        limit: int | None = None,
    ) -> Sequence[Usage]:
        """Return what is kept; see ``UsageStore.read``."""
        key = (UsageRow.day, UsageRow.project, UsageRow.method)
        query = select(UsageRow).order_by(*key).limit(limit)
        if project is not None:
            query = query.where(UsageRow.project == project)
        if since is not None:
            query = query.where(UsageRow.day >= since)
        if after is not None:
            query = query.where(tuple_(*key) > (after.day, after.project, after.method))
        async with transaction(self._sessions, UNREACHED) as session:
            return [_usage(row) for row in await session.scalars(query)]

    async def erase(self, *, before: date) -> int:
        """Erase old days; see ``UsageStore.erase``."""
        gone = delete(UsageRow).where(UsageRow.day < before).returning(UsageRow.day)
        return await self._writes.run(partial(count_of, gone))


async def _add(used: Sequence[Usage], session: AsyncSession) -> None:
    made = insert_into(session, UsageRow)
    sums = {name: getattr(UsageRow, name) + made.excluded[name] for name in SUMS}
    key = [UsageRow.day, UsageRow.project, UsageRow.method]
    summed = made.on_conflict_do_update(index_elements=key, set_=sums)
    await session.execute(summed, [asdict(usage) for usage in used])


def _usage(row: UsageRow) -> Usage:
    return Usage(row.day, row.project, row.method, row.calls, row.refused, row.items)

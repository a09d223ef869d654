"""Keeps projects' credits in SQL. What a call costs is not its business."""

import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from sqlalchemy import String, delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.tables import Base, Whole, transaction
from gaveld.adapters.storage.writing import Writes

UNREACHED: Final = "The balance of credits can't be reached."
REMEMBERED_SECONDS: Final = 5.0
REMEMBERED_PROJECTS: Final = 10_000


class CreditRow(Base):
    """The balance of one project."""

    __tablename__ = "credits"

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    balance: Mapped[int] = mapped_column(Whole)


class SqlCredits:
    """A ``Credits`` over SQLAlchemy; ``migrate`` the engine first.

    That a project has no balance is remembered for ``REMEMBERED_SECONDS``, so that projects that
    spend freely cost no query; balances themselves are never remembered.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)
        self._free_until: dict[str, float] = {}

    async def spend(self, project: str, amount: int) -> int | None:
        """Take credits; see ``Credits.spend``."""
        if time.monotonic() < self._free_until.get(project, 0.0):
            return None
        taken = (
            update(CreditRow)
            .where(CreditRow.project == project, CreditRow.balance >= amount)
            .values(balance=CreditRow.balance - amount)
            .returning(CreditRow.balance)
        )
        balances = select(CreditRow.balance).where(CreditRow.project == project)

        async def work(session: AsyncSession) -> tuple[bool, int | None]:
            if await session.scalar(taken) is not None:
                return True, None
            return False, await session.scalar(balances)

        is_taken, balance = await self._writes.run(work)
        if not is_taken and balance is None:
            self._remember(project)
        return balance

    async def refund(self, project: str, amount: int) -> None:
        """Give credits back; see ``Credits.refund``."""
        given = (
            update(CreditRow)
            .where(CreditRow.project == project)
            .values(balance=CreditRow.balance + amount)
        )

        async def work(session: AsyncSession) -> None:
            await session.execute(given)

        await self._writes.run(work)

    async def put(self, project: str, balance: int | None) -> None:
        """Set a balance; see ``Credits.put``."""
        if balance is not None and balance < 0:
            raise ValueError("a balance is at least 0")
        self._free_until.pop(project, None)

        async def work(session: AsyncSession) -> None:
            if balance is None:
                await session.execute(delete(CreditRow).where(CreditRow.project == project))
            else:
                await session.merge(CreditRow(project=project, balance=balance))

        await self._writes.run(work)

    async def list(self) -> Sequence[tuple[str, int]]:
        """Return the balances; see ``Credits.list``."""
        query = select(CreditRow).order_by(CreditRow.project)
        async with self._begin() as session:
            return [(row.project, row.balance) for row in await session.scalars(query)]

    def _remember(self, project: str) -> None:
        now = time.monotonic()
        if len(self._free_until) >= REMEMBERED_PROJECTS:
            self._free_until.clear()
        self._free_until[project] = now + REMEMBERED_SECONDS

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)

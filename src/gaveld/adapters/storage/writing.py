"""Runs writes in transactions: each in its own, or on SQLite those that come together in one.

SQLite takes one writer at a time and syncs the disk with every commit, so that writes that share
a commit are many times as fast. PostgreSQL does the same by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage.tables import explained, transaction

T = TypeVar("T")
Work = Callable[[AsyncSession], Awaitable[T]]

MOST_TOGETHER: Final = 64
"""How many writes may share a commit, so that the first never waits long for the last."""


class Writes:
    """Writes of one store, on disk when ``run`` returns; ``unreached`` says what can't be reached.

    A write that fails undoes itself and no other. It may be begun twice, of which one is undone,
    and if its caller is cancelled while it is under way, it may be done all the same.
    """

    def __init__(self, engine: AsyncEngine, unreached: str) -> None:
        self._sessions = async_sessionmaker(engine)
        self._unreached = unreached
        self._engine = engine
        self._together = _together(engine) if engine.dialect.name == "sqlite" else None

    async def run(self, work: Work[T]) -> T:
        """Do the work in a transaction and return what it returns, or raise what it raises.

        Raises ``Unavailable`` (STORAGE_UNAVAILABLE) for any fault of the database.
        """
        if self._together is not None:
            with explained(self._unreached):
                return await self._together.run(self._engine, work)
        async with transaction(self._sessions, self._unreached) as session:
            return await work(session)


async def close(engine: AsyncEngine) -> None:
    """Close the engine when all that is being written is, also what nobody waits for any more.

    Else the connection that it is written through would stay open.
    """
    together = _OF_ENGINES.get(engine)
    if together is not None:
        await together.ended()
    await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Asked:
    work: Work[Any]
    done: "asyncio.Future[Any]"


class _Together:
    """The writes of all stores of one engine, one group after the other.

    It doesn't hold the engine, whose end would else never come.
    """

    def __init__(self) -> None:
        self._asked: list[_Asked] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(self, engine: AsyncEngine, work: Work[T]) -> T:
        asked = _Asked(work, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(engine))
        result: T = await asked.done
        return result

    async def ended(self) -> None:
        """Return when nothing is being written any more."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})

    async def _write_all(self, engine: AsyncEngine) -> None:
        while self._asked:
            group, self._asked = self._asked[:MOST_TOGETHER], self._asked[MOST_TOGETHER:]
            if await self._is_settled(engine, group):
                continue
            for asked in group:  # one of them failed, and undid them all
                await self._is_settled(engine, [asked])

    async def _is_settled(self, engine: AsyncEngine, group: list[_Asked]) -> bool:
        """Write for those who still wait, and tell them; False if one of several failed."""
        group = [asked for asked in group if not asked.done.done()]
        if not group:
            return True
        has_begun = False
        try:
            async with engine.begin() as connection:
                # Else SQLite takes its lock with the first change only, and may then not get it.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                has_begun = True
                outcomes = [await _outcome(connection, asked.work) for asked in group]
        except Exception as error:  # noqa: BLE001 (whoever asked is told, and none waits on)
            if has_begun and len(group) > 1:
                return False
            for asked in group:
                if not asked.done.done():
                    asked.done.set_exception(error)
            return True
        for asked, outcome in zip(group, outcomes, strict=True):
            if not asked.done.done():
                asked.done.set_result(outcome)
        return True


async def _outcome(connection: AsyncConnection, work: Work[Any]) -> Any:
    # A session of its own, so that none sees what another one had read before it was changed.
    async with AsyncSession(connection) as session:
        outcome = await work(session)
        await session.commit()  # which leaves the transaction of the connection open
        return outcome


_OF_ENGINES: Final[WeakKeyDictionary[AsyncEngine, _Together]] = WeakKeyDictionary()


def _together(engine: AsyncEngine) -> _Together:
    return _OF_ENGINES.setdefault(engine, _Together())

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

    async def _write_all(self, engine: AsyncEngine) -> None:
        while self._asked:
            group, self._asked = self._asked[:MOST_TOGETHER], self._asked[MOST_TOGETHER:]
            group = [asked for asked in group if not asked.done.done()]  # some have gone
            if await self._is_written(engine, group) or len(group) == 1:
                continue
            for asked in group:  # one of them failed, and undid them all
                await self._is_written(engine, [asked])

    async def _is_written(self, engine: AsyncEngine, group: list[_Asked]) -> bool:
        try:
            outcomes = await _written(engine, group)
        except Exception as error:  # noqa: BLE001 (whoever asked is told, and none waits on)
            if len(group) == 1 and not group[0].done.done():
                group[0].done.set_exception(error)
            return False
        for asked, outcome in zip(group, outcomes, strict=True):
            if not asked.done.done():
                asked.done.set_result(outcome)
        return True


async def _written(engine: AsyncEngine, group: list[_Asked]) -> list[Any]:
    async with engine.begin() as connection:
        # Else SQLite takes its lock with the first change only, and may then fail to get it.
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        return [await _outcome(connection, asked.work) for asked in group]


async def _outcome(connection: AsyncConnection, work: Work[Any]) -> Any:
    # A session of its own, so that none sees what another one had read before it was changed.
    async with AsyncSession(connection) as session:
        outcome = await work(session)
        await session.commit()  # which leaves the transaction of the connection open
        return outcome


_OF_ENGINES: Final[WeakKeyDictionary[AsyncEngine, _Together]] = WeakKeyDictionary()


def _together(engine: AsyncEngine) -> _Together:
    return _OF_ENGINES.setdefault(engine, _Together())

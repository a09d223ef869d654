"""Runs writes in transactions: each in its own, or on SQLite those that come together in one.

SQLite takes one writer at a time and syncs the disk with every commit, so that writes that share
a commit are many times as fast. PostgreSQL does the same by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage.tables import explained, transaction

T = TypeVar("T")

MOST_TOGETHER: Final = 64
"""How many writes may share a commit, so that the first never waits long for the last."""


@dataclass(frozen=True, slots=True)
class _Asked:
    work: Callable[[AsyncSession], Awaitable[Any]]
    done: "asyncio.Future[Any]"


class Writes:
    """Writes of one store, on disk when ``run`` returns; ``unreached`` says what can't be reached.

    A write that fails undoes itself and no other. One whose caller is cancelled while it is under
    way may be done all the same.
    """

    def __init__(self, engine: AsyncEngine, unreached: str) -> None:
        self._sessions = async_sessionmaker(engine)
        self._unreached = unreached
        self._shares_commits = engine.dialect.name == "sqlite"
        self._asked: list[_Asked] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do the work in a transaction and return what it returns, or raise what it raises.

        Raises ``Unavailable`` (STORAGE_UNAVAILABLE) for any fault of the database.
        """
        if not self._shares_commits:
            async with transaction(self._sessions, self._unreached) as session:
                return await work(session)
        asked = _Asked(work, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        result: T = await asked.done
        return result

    async def _write_all(self) -> None:
        while self._asked:
            together, self._asked = self._asked[:MOST_TOGETHER], self._asked[MOST_TOGETHER:]
            wanted = [asked for asked in together if not asked.done.done()]
            try:
                outcomes = await self._written(wanted)
            except Exception as error:  # noqa: BLE001 (whoever asked is told, and none waits on)
                outcomes = [error] * len(wanted)
            for asked, outcome in zip(wanted, outcomes, strict=True):
                _tell(asked.done, outcome)

    async def _written(self, wanted: list[_Asked]) -> list[Any]:
        async with transaction(self._sessions, self._unreached) as session:
            connection = await session.connection()
            # Else SQLite takes its lock with the first change only, and may then fail to get it.
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if len(wanted) == 1:
                return [await wanted[0].work(session)]
            return [await self._outcome(session, asked) for asked in wanted]

    async def _outcome(self, session: AsyncSession, asked: _Asked) -> Any:
        try:
            with explained(self._unreached):
                async with session.begin_nested():
                    return await asked.work(session)
        except Exception as error:  # noqa: BLE001 (whoever asked is told)
            return error


def _tell(done: "asyncio.Future[Any]", outcome: Any) -> None:
    if done.done():
        return  # whoever asked has gone
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)

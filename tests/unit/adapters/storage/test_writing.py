"""Writes that share a commit: what becomes of them when their callers leave, or the file is locked.

What every write promises, the suites of the stores prove.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from gaveld.adapters.storage.writing import Writes, close
from gaveld.domain.errors import Unavailable

MOMENT_SECONDS = 0.2


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database in a file, for which nobody waits when it is locked."""
    made = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/gavel.db", connect_args={"timeout": 0.0}
    )
    yield made
    await close(made)


async def test_nothing_is_left_open_by_whoever_leaves(engine: AsyncEngine):
    """Law: the end waits for a write whose caller was cancelled, and closes its connection too."""
    connections: Counter[str] = Counter()
    event.listen(engine.sync_engine, "connect", lambda *_: connections.update(["opened"]))
    event.listen(engine.sync_engine, "close", lambda *_: connections.update(["closed"]))
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: AsyncSession) -> None:
        begun.set()
        await may_end.wait()

    writing = asyncio.create_task(Writes(engine, "It can't be reached.").run(slow))
    async with asyncio.timeout(30):
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        closing = asyncio.create_task(close(engine))
        await asyncio.wait({closing}, timeout=MOMENT_SECONDS)
        assert not closing.done()
        may_end.set()
        await closing
    assert connections == {"opened": 1, "closed": 1}


async def test_those_who_come_together_wait_once_for_a_lock(engine: AsyncEngine, tmp_path: Path):
    """Law: where the file is locked, all writes of a group are told after one try, not in turn."""
    tries: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        tries.append(statement)

    async def never(_: AsyncSession) -> None:
        pytest.fail("it was begun without the lock")

    writes = Writes(engine, "It can't be reached.")
    other = sqlite3.connect(tmp_path / "gavel.db")
    try:
        other.execute("BEGIN EXCLUSIVE")
        asked = (writes.run(never) for _ in range(5))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        other.close()
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert tries == ["BEGIN IMMEDIATE"]


async def test_one_that_fails_undoes_no_other(engine: AsyncEngine):
    """Law: of writes that share a commit, only the one that fails is undone and told of it."""

    async def work(session: AsyncSession, number: int) -> int:
        connection = await session.connection()
        await connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (number INTEGER)")
        await connection.exec_driver_sql(f"INSERT INTO kept VALUES ({number})")
        if number == 1:
            raise ValueError("this one")
        return number

    writes = Writes(engine, "It can't be reached.")
    asked = (
        writes.run(lambda session, number=number: work(session, number)) for number in (0, 1, 2)
    )
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes[0] == 0
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == 2
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT number FROM kept ORDER BY number")
        assert rows.scalars().all() == [0, 2]


async def test_what_nobody_waits_for_is_not_begun(engine: AsyncEngine):
    """Law: a write whose caller left before its turn came is not done."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: AsyncSession) -> None:
        begun.set()
        await may_end.wait()

    async def never(_: AsyncSession) -> None:
        pytest.fail("it was begun for nobody")

    writes = Writes(engine, "It can't be reached.")
    async with asyncio.timeout(30):
        first = asyncio.create_task(writes.run(slow))
        await begun.wait()
        left = asyncio.create_task(writes.run(never))
        last = asyncio.create_task(writes.run(slow))
        await asyncio.wait({left, last}, timeout=MOMENT_SECONDS)  # till they have asked
        left.cancel()
        may_end.set()
        await asyncio.gather(first, last)
    assert left.cancelled()

"""What people and paid calls write takes its turn with jobs, on SQLite, which takes one at a time.

On PostgreSQL writers don't wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.review_items import SqlReviewItemStore
from gaveld.adapters.storage.writing import Writes, close
from gaveld.domain.decision_records import Records
from gaveld.domain.feedback import Feedback
from tests.contracts.test_review_item_store import FULL, NOON, opinion, put_in, soon, wordless

MOMENT_SECONDS = 0.2


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A file with an item in it, for which nobody waits when it is locked."""
    made = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/gavel.db", connect_args={"timeout": 0.0}
    )
    await migrate(made)
    async with made.connect() as connection:
        await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    await put_in(made, FULL)
    yield made
    await close(made)


def items(engine: AsyncEngine) -> SqlReviewItemStore:
    return SqlReviewItemStore(engine, (), wordless)


async def claim(engine: AsyncEngine) -> None:
    assert await items(engine).claim("shop", "photos", "full", "ann", until=soon())


async def claim_the_oldest(engine: AsyncEngine) -> None:
    assert await items(engine).claim("shop", "photos", "", "ann", until=soon())


async def decide(engine: AsyncEngine) -> None:
    item = await items(engine).find("shop", "photos", "full")
    assert await items(engine).decide(item, opinion(), Records())


async def erase_expired(engine: AsyncEngine) -> None:
    assert await items(engine).erase_expired(FULL.content_until) == 1


async def spend(engine: AsyncEngine) -> None:
    assert await SqlCredits(engine).spend("shop", 1) is None


async def refund(engine: AsyncEngine) -> None:
    await SqlCredits(engine).refund("shop", 1)


async def put_balance(engine: AsyncEngine) -> None:
    await SqlCredits(engine).put("shop", 7)


async def add_feedback(engine: AsyncEngine) -> None:
    assert await SqlFeedbackStore(engine).add(Feedback("one", "shop", "words", NOON)) is None


async def erase_feedback(engine: AsyncEngine) -> None:
    assert await SqlFeedbackStore(engine).erase(project="shop") == 0


@pytest.mark.parametrize(
    "write",
    [
        claim,
        claim_the_oldest,
        decide,
        erase_expired,
        spend,
        refund,
        put_balance,
        add_feedback,
        erase_feedback,
    ],
)
async def test_whoever_comes_while_others_write_is_next(
    engine: AsyncEngine, write: Callable[[AsyncEngine], Awaitable[None]]
):
    """Law: while a job is written, other writes wait for their turn and not for the file's lock."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: AsyncSession) -> None:
        begun.set()
        await may_end.wait()

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(Writes(engine, "The jobs can't be reached.").run(slow))
        await begun.wait()
        waiting = tasks.create_task(write(engine))
        try:
            await asyncio.wait({waiting}, timeout=MOMENT_SECONDS)
            assert not waiting.done()
        finally:
            may_end.set()

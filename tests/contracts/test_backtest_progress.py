"""One suite for every ``BacktestProgress``."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gaveld.adapters.storage.backtest_progress import SqlBacktestProgress
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import BacktestProgress
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.jobs import Steps
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.backtest_progress import FakeBacktestProgress


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def progress(request, new_database: NewDatabase) -> AsyncIterator[BacktestProgress]:
    if request.param == "fake":
        yield FakeBacktestProgress()
        return
    async with opened(await new_database(request.param)) as engine:
        await migrate(engine)
        yield SqlBacktestProgress(engine)


async def test_the_last_word_counts(progress: BacktestProgress):
    """Law: each job has its own progress, the last that was told; of others nothing is known."""
    assert await progress.find("a") is None
    await progress.put("a", Steps(0, 9))
    await progress.put("b", Steps(1, 2))
    await progress.put("a", Steps(5, 9))
    assert await progress.find("a") == Steps(5, 9)
    assert await progress.find("b") == Steps(1, 2)


async def test_old_news_is_erased(progress: BacktestProgress):
    """Law: a day after the last word nothing is kept of it."""
    await progress.put("a", Steps(5, 9))
    now = datetime.now(UTC)
    assert await progress.erase_expired(now) == 0
    assert await progress.erase_expired(now + timedelta(days=1, minutes=1)) == 1
    assert await progress.find("a") is None


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table the store fails as unavailable."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as caught:
            await SqlBacktestProgress(engine).put("a", Steps(0, 0))
    assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE

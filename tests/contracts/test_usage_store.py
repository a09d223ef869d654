"""One suite for every ``UsageStore``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.usage import SqlUsageStore
from gaveld.application.ports import UsageStore
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.usage import Usage
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.usage import FakeUsageStore

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)
TEXT, BATCH = "/test.Texts/Moderate", "/test.Texts/Batch"


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[SqlUsageStore]:
    async with opened(url) as engine:
        await migrate(engine)
        yield SqlUsageStore(engine)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def store(request, new_database: NewDatabase) -> AsyncIterator[UsageStore]:
    if request.param == "fake":
        yield FakeUsageStore()
        return
    async with sql(await new_database(request.param)) as store:
        yield store


async def test_what_is_added_is_summed_up_by_day_project_and_method(store: UsageStore):
    """Law: each day, project and method has its own sums, read in that order."""
    await store.add([Usage(TUESDAY, "shop", TEXT, 2, 1, 2), Usage(MONDAY, "shop", TEXT, 1, 0, 1)])
    await store.add([Usage(TUESDAY, "shop", TEXT, 3, 4, 3), Usage(TUESDAY, "shop", BATCH, 1, 0, 9)])
    await store.add([Usage(TUESDAY, "blog", TEXT, 7, 0, 7)])
    assert await store.read() == [
        Usage(MONDAY, "shop", TEXT, 1, 0, 1),
        Usage(TUESDAY, "blog", TEXT, 7, 0, 7),
        Usage(TUESDAY, "shop", BATCH, 1, 0, 9),
        Usage(TUESDAY, "shop", TEXT, 5, 5, 5),
    ]


async def test_a_project_and_a_day_narrow_what_is_read(store: UsageStore):
    """Law: a project's reading has no other's rows; ``since`` is the first day that is read."""
    assert await store.read() == []
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await store.add([Usage(day, project, TEXT, 1) for project in ("blog", "shop")])
    mine = await store.read(project="shop", since=TUESDAY)
    assert mine == [Usage(day, "shop", TEXT, 1) for day in (TUESDAY, WEDNESDAY)]
    assert len(await store.read(since=WEDNESDAY)) == 2
    assert await store.read(project="else") == []


async def test_pages_have_every_row_once(store: UsageStore):
    """Law: each page goes on right after the one before, and none exceeds its limit."""
    used = [
        Usage(day, project, method, 1)
        for day in (MONDAY, TUESDAY)
        for project in ("blog", "shop")
        for method in (BATCH, TEXT)
    ]
    await store.add(used)
    seen: list[Usage] = []
    while page := await store.read(after=seen[-1] if seen else None, limit=3):
        assert len(page) <= 3
        seen += page
    assert seen == used
    (last,) = await store.read(project="shop", since=TUESDAY, after=used[-2], limit=3)
    assert last == used[-1]


async def test_adding_at_once_is_exact(store: UsageStore):
    """Law: of servers that add at the same time, none's count is lost, whatever their order."""
    used = [Usage(MONDAY, f"p{number}", TEXT, 1, 2, 3) for number in range(5)]
    await asyncio.gather(*(store.add(used[turn % 5 :] + used[: turn % 5]) for turn in range(12)))
    kept = [Usage(MONDAY, f"p{number}", TEXT, 12, 24, 36) for number in range(5)]
    assert await store.read() == kept


async def test_much_is_added_in_one_call(store: UsageStore):
    """Law: as many rows as many projects have are added, and sums may be large."""
    used = [Usage(MONDAY, f"p{number:04}", TEXT, 2**40) for number in range(1_000)]
    await store.add([])
    await store.add(used)
    assert await store.read() == used


async def test_old_days_are_erased(store: UsageStore):
    """Law: what is before the day goes, the day itself stays, and the number is told."""
    await store.add([Usage(day, "shop", TEXT, 1) for day in (MONDAY, TUESDAY, WEDNESDAY)])
    assert await store.erase(before=WEDNESDAY) == 2
    assert await store.read() == [Usage(WEDNESDAY, "shop", TEXT, 1)]
    assert await store.erase(before=WEDNESDAY) == 0


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table the store fails as unavailable, with when to try again."""
    async with opened(database_url) as engine:
        for call in (
            SqlUsageStore(engine).add([Usage(MONDAY, "shop", TEXT)]),
            SqlUsageStore(engine).read(),
        ):
            with pytest.raises(Unavailable) as caught:
                await call
            assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE
            assert caught.value.retry_after_seconds is not None

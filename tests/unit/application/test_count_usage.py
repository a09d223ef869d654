"""Counting what projects use: by day, through a store that comes and goes, and what it costs."""

import asyncio
import logging
from datetime import date

import pytest

from gaveld.application.count_usage import DAY_SECONDS, CountUsage
from gaveld.domain.usage import Usage
from tests.fakes.usage import FakeUsageStore

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
TEXT, BATCH = "/test.Texts/Moderate", "/test.Texts/Batch"
MONDAYS_END = (TUESDAY - date(1970, 1, 1)).days * DAY_SECONDS


class Clock:
    """A clock that the test holds, in seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class HeldStore(FakeUsageStore):
    """Takes nothing until it is let go, and says when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def add(self, used) -> None:
        self.asked.set()
        await self.let_go.wait()
        await super().add(used)


async def test_calls_count_for_their_project_method_and_day():
    """Law: a call counts on the UTC day on which it ended; refused ones apart, without items."""
    store, clock = FakeUsageStore(), Clock(MONDAYS_END - 1)
    usage = CountUsage(store, clock=clock)
    usage.answered("shop", TEXT)
    usage.answered("shop", BATCH, 7)
    usage.refused("shop", BATCH)
    clock.now += 1
    usage.answered("shop", TEXT)
    usage.refused("blog", TEXT)
    await usage.write()
    assert await store.read() == [
        Usage(MONDAY, "shop", BATCH, 1, 1, 7),
        Usage(MONDAY, "shop", TEXT, 1, 0, 1),
        Usage(TUESDAY, "blog", TEXT, 0, 1, 0),
        Usage(TUESDAY, "shop", TEXT, 1, 0, 1),
    ]


async def test_each_call_is_written_once_and_nothing_is_written_for_nothing():
    """Law: what was written is not written again, and a quiet server writes nothing."""
    store = FakeUsageStore()
    usage = CountUsage(store, clock=Clock(MONDAYS_END))
    await usage.write()
    usage.answered("shop", TEXT)
    await usage.write()
    await usage.write()
    assert (store.writes, await store.read()) == (1, [Usage(TUESDAY, "shop", TEXT, 1, 0, 1)])


async def test_a_store_that_is_away_loses_no_call(caplog):
    """Law: counts add up until the store is back; that it went and came is logged once each."""
    store = FakeUsageStore()
    usage = CountUsage(store, clock=Clock(MONDAYS_END))
    store.is_away = True
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            usage.answered("shop", TEXT)
            usage.refused("shop", TEXT)
            await usage.write()
        store.is_away = False
        await usage.write()
    assert await store.read() == [Usage(TUESDAY, "shop", TEXT, 3, 3, 3)]
    assert caplog.messages == ["usage can't be written", "usage can be written again"]


async def test_calls_that_end_while_a_write_fails_are_kept_beside_it():
    """Law: what is counted during a write goes with the next, together with what failed."""
    store = HeldStore()
    usage = CountUsage(store, clock=Clock(MONDAYS_END))
    usage.answered("shop", TEXT)
    writing = asyncio.create_task(usage.write())
    await store.asked.wait()
    usage.answered("shop", TEXT, 2)
    usage.answered("blog", TEXT)
    store.is_away = True
    store.let_go.set()
    await writing
    store.is_away = False
    await usage.write()
    assert await store.read() == [
        Usage(TUESDAY, "blog", TEXT, 1, 0, 1),
        Usage(TUESDAY, "shop", TEXT, 2, 0, 3),
    ]


async def test_it_writes_by_itself_until_the_end():
    """Law: counts are written as time goes by without anybody asking."""
    store = HeldStore()
    store.let_go.set()
    usage = CountUsage(store, every_seconds=0.001, clock=Clock(MONDAYS_END))
    usage.start()
    usage.answered("shop", TEXT)
    await store.asked.wait()
    await usage.stop()
    assert await store.read() == [Usage(TUESDAY, "shop", TEXT, 1, 0, 1)]


@pytest.mark.parametrize("is_away", [False, True])
async def test_the_end_writes_what_is_left(caplog, is_away: bool):
    """Law: a server that is stopped writes its last seconds, or says how many calls are lost."""
    store = FakeUsageStore()
    store.is_away = is_away
    usage = CountUsage(store, every_seconds=3_600, clock=Clock(MONDAYS_END))
    usage.start()
    usage.answered("shop", TEXT)
    usage.refused("shop", TEXT)
    await usage.stop()
    await usage.stop()
    store.is_away = False
    assert await store.read() == ([] if is_away else [Usage(TUESDAY, "shop", TEXT, 1, 1, 1)])
    lost = [record.calls for record in caplog.records if record.msg == "usage is lost"]
    assert lost == ([2] if is_away else [])


async def test_a_store_that_never_answers_holds_up_no_end(monkeypatch):
    """Law: the end waits for the store for a bounded time."""
    monkeypatch.setattr("gaveld.application.count_usage.LAST_WRITE_SECONDS", 0.01)
    store = HeldStore()
    usage = CountUsage(store, every_seconds=0.001)
    usage.answered("shop", TEXT)
    usage.start()
    await store.asked.wait()
    await usage.stop()
    assert await store.read() == []


async def test_a_server_that_never_began_to_write_ends():
    """Law: stopping what was not started does nothing."""
    store = FakeUsageStore()
    await CountUsage(store).stop()
    assert store.writes == 0

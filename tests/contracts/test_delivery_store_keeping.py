"""One suite for every ``DeliveryStore``: what is sealed, what is erased, and when."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import Disabled
from tests.contracts.conftest import NewDatabase
from tests.contracts.delivery_stores import (
    ARRIVED,
    BROKEN,
    NOON,
    Kept,
    after,
    delivery,
    delivery_store,
    sql,
)
from tests.databases import opened
from tests.fakes.secret_box import FakeSecretBox


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request, new_database: NewDatabase) -> AsyncIterator[Kept]:
    async with delivery_store(request.param, new_database) as made:
        yield made


async def test_the_old_are_erased_and_the_waiting_never(kept: Kept):
    """Law: retention counts from when a callback became final."""
    await kept.add(*(delivery(to=f"r{place}") for place in range(3)))
    arrived, dead, waiting = await kept.lease()
    await kept.store.delivered(arrived, ARRIVED, after(10))
    await kept.store.failed(dead, BROKEN, after(20), retry_at=None)
    assert await kept.store.erase(before=after(10)) == 0
    assert await kept.store.erase(before=after(11)) == 1
    assert await kept.store.erase(before=after(10_000)) == 1
    assert [entry.id for entry in await kept.store.list()] == [waiting.id]


async def test_a_disabled_receiver_is_forgotten_with_the_last_of_its_callbacks(kept: Kept):
    """Law: it stays disabled while it is told of anything; then it is as one never heard of."""
    old, coming, silent = delivery(), delivery(at=after(50)), delivery(to="silent")
    for receiver in (old.receiver_id, silent.receiver_id):
        await kept.store.disable_receiver("shop", receiver, after(1), Disabled.GONE)
    await kept.add(old, coming)
    assert await kept.store.erase(before=after(1)) == 1
    assert len(await kept.store.disabled_receivers()) == 2
    assert await kept.store.erase(before=after(50)) == 0
    assert [entry.id for entry in await kept.store.disabled_receivers()] == [old.receiver_id]
    assert await kept.store.erase(before=after(51)) == 1
    assert await kept.store.disabled_receivers() == []
    new = delivery(at=after(60))
    await kept.add(new)
    assert [entry.id for entry in await kept.lease(after(60))] == [new.id]


async def test_no_erasing_keeps_others_from_writing(database_url: str, monkeypatch):
    """Law: what is old goes in many small transactions, and goes whole."""
    monkeypatch.setattr("gaveld.adapters.storage.deliveries.ROWS_AT_ONCE", 2)
    async with opened(database_url) as engine:
        await migrate(engine)
        store = SqlDeliveryStore(engine, FakeSecretBox())
        made = tuple(delivery(to=f"r{place}") for place in range(5))
        async with async_sessionmaker(engine).begin() as session:
            await store.record(session, Records(deliveries=made))
        for entry in made:
            await store.disable_receiver("shop", entry.receiver_id, NOON, Disabled.GONE)
        commits: list[object] = []
        event.listen(engine.sync_engine, "commit", commits.append)
        assert await store.erase(before=after(1)) == 5
        assert len(commits) == 6  # 2 + 2 + 1 callbacks, and as many receivers
        assert (await store.list(), await store.disabled_receivers()) == ([], [])


async def test_nothing_private_lies_open(database_url: str):
    """Law: address, headers and secret are sealed in the file, all of them."""
    made = delivery()
    async with sql(database_url) as kept:
        await kept.add(made)
    async with opened(database_url) as engine, engine.connect() as connection:
        (row,) = await connection.execute(text("SELECT * FROM deliveries"))
        plain = repr(tuple(row))
    for private in ("t0ken", "shop.example", "heāder", "x-static", "whsec"):
        assert private not in plain


async def test_a_lost_key_loses_no_lease(database_url: str):
    """Law: what no key opens has no address; nothing else is held up by it."""
    lost, good = delivery(), delivery(to="other", at=after(1))
    async with sql(database_url, FakeSecretBox("lost")) as kept:
        await kept.add(lost)
    async with sql(database_url, FakeSecretBox("found")) as kept:
        await kept.add(good)
        leased = await kept.lease(after(2))
    assert [(entry.id, entry.url) for entry in leased] == [(lost.id, ""), (good.id, good.url)]
    assert leased[0].receiver_id == lost.receiver_id


async def test_words_go_in_time_whether_or_not_their_callback_has_gone(kept: Kept):
    """Law: a body keeps its words until their time is over, also of the dead; the rest it keeps."""
    waits, dead, lasting, bare = (
        delivery(f"r{number}", words_until=until)
        for number, until in enumerate((after(60), after(60), after(61), None))
    )
    await kept.add(waits, dead, lasting, bare)
    for leased in await kept.lease(seconds=30):
        if leased.id == dead.id:
            await kept.store.failed(leased, BROKEN, NOON, retry_at=None)
    assert await kept.store.erase_words(after(59), lambda _: b"bare") == 0
    assert await kept.store.erase_words(after(60), lambda _: b"bare") == 2
    assert await kept.store.erase_words(after(60), lambda _: b"again") == 0
    await kept.store.resend(dead.id, NOON)
    bodies = {leased.id: leased.body for leased in await kept.lease(after(60))}
    assert bodies[waits.id] == bodies[dead.id] == b"bare"
    assert bodies[lasting.id] == bodies[bare.id] == waits.body


async def test_a_body_that_can_not_be_read_keeps_no_other(kept: Kept):
    """Law: it is erased whole, and the words of all others go with it."""
    torn = replace(delivery(), words_until=after(60), body=b"torn")
    sound = replace(delivery(), words_until=after(60))
    await kept.add(torn, sound)

    def strip(body: bytes) -> bytes:
        if body == b"torn":
            raise ValueError
        return b"bare"

    assert await kept.store.erase_words(after(60), strip) == 2
    assert {leased.id: leased.body for leased in await kept.lease(after(60))} == {
        torn.id: b"",
        sound.id: b"bare",
    }

"""One suite for every ``DeliveryStore``."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import DeliveryCounts
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import DeliveryState, Disabled, Receiver
from gaveld.domain.errors import ErrorReason, Unavailable
from tests.contracts.conftest import NewDatabase
from tests.contracts.delivery_stores import (
    ARRIVED,
    BROKEN,
    NOON,
    Kept,
    after,
    delivery,
    delivery_store,
)
from tests.databases import Postgres, opened
from tests.fakes.secret_box import FakeSecretBox


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request, new_database: NewDatabase) -> AsyncIterator[Kept]:
    async with delivery_store(request.param, new_database) as made:
        yield made


async def test_what_is_added_is_leased_whole(kept: Kept):
    """Law: a lease has all that is to be sent, and its attempt counted; a repr holds none of it."""
    made = delivery()
    await kept.add(made)
    (leased,) = await kept.lease(after(1), seconds=30)
    assert leased == replace(made, attempt_count=1, next_attempt_at=after(31))
    assert leased.receiver_id == made.receiver_id
    for private in ("t0ken", "heāder", "whsec", "content\\"):
        assert private not in repr(leased)


async def test_nothing_is_leased_before_it_is_due_or_while_it_is_leased(kept: Kept):
    """Law: a callback is one worker's until its lease runs out, and then another attempt counts."""
    await kept.add(delivery(at=after(10)))
    assert await kept.lease(after(9)) == []
    (first,) = await kept.lease(after(10), seconds=30)
    assert await kept.lease(after(39)) == []
    (again,) = await kept.lease(after(40))
    assert (again.id, first.attempt_count, again.attempt_count) == (first.id, 1, 2)


async def test_the_longest_due_go_first_within_the_limit(kept: Kept):
    """Law: what has waited longest is not overtaken."""
    made = [delivery(to=f"r{place}", at=after(-place)) for place in range(5)]
    await kept.add(*made)
    leased = await kept.lease(limit=2)
    assert [entry.id for entry in leased] == [made[4].id, made[3].id]


@pytest.mark.parametrize("url", ["https://shop.example/{}", "https://SHOP.example.:8443/?n={}"])
async def test_no_hosts_flood_stops_others(kept: Kept, url: str):
    """Law: of one host only so many are taken, however many addresses it has, and none if busy."""
    flood = [delivery(at=after(-100), url=url.format(place // 2)) for place in range(20)]
    other = delivery(to="other")
    await kept.add(*flood, other)
    leased = await kept.lease(limit=5, per_host=3)
    assert [entry.host_id for entry in leased].count(flood[0].host_id) == 3
    assert other.id in {entry.id for entry in leased}
    assert await kept.lease(but_not_hosts={flood[0].host_id}) == []
    assert len(await kept.lease(per_host=100)) == 17


async def test_no_projects_flood_stops_others(kept: Kept):
    """Law: of one project only so many are taken, however many hosts it has, and none if named."""
    flood = [delivery(to=f"r{place // 2}", at=after(-100)) for place in range(20)]
    other = delivery(project="bank")
    await kept.add(*flood, other)
    leased = await kept.lease(limit=5, per_host=1, per_project=3)
    assert [entry.project for entry in leased] == ["shop"] * 3 + ["bank"]
    assert len({entry.host_id for entry in leased}) == 4
    assert await kept.lease(but_not_projects={"shop"}) == []
    assert len(await kept.lease()) == 17


async def test_leases_at_once_share_nothing(kept: Kept):
    """Law: of many that ask at the same time, no two get the same callback, and none is left."""
    made = [delivery(to=f"r{place % 5}") for place in range(40)]
    await kept.add(*made)
    answers = await asyncio.gather(*(kept.lease(limit=5) for _ in range(12)))
    rest = await kept.lease()
    ids = [entry.id for answer in (*answers, rest) for entry in answer]
    assert sorted(ids) == sorted(entry.id for entry in made)


async def test_what_is_delivered_is_done_and_its_body_erased(kept: Kept):
    """Law: a delivered callback is never leased or sent again, and nothing of its body stays."""
    await kept.add(delivery())
    (leased,) = await kept.lease()
    await kept.store.delivered(leased, ARRIVED, after(1))
    assert await kept.lease(after(10_000)) == []
    assert await kept.store.resend(leased.id, after(2)) is None
    (listed,) = await kept.store.list(state=DeliveryState.DELIVERED)
    assert (listed.last_status, listed.next_attempt_at, listed.body) == (204, None, b"")


async def test_what_failed_waits_for_its_time(kept: Kept):
    """Law: a failed callback comes again when it was said to, with what went wrong."""
    await kept.add(delivery())
    (leased,) = await kept.lease()
    await kept.store.failed(leased, BROKEN, after(1), retry_at=after(300))
    assert await kept.lease(after(299)) == []
    (again,) = await kept.lease(after(300))
    assert (again.attempt_count, again.last_status, again.last_error) == (2, 502, "http_status")
    assert again.body == leased.body


async def test_what_is_given_up_stays_for_an_operator(kept: Kept):
    """Law: a dead callback is sent again when somebody says so, under its id and from the start."""
    await kept.add(delivery())
    (leased,) = await kept.lease()
    await kept.store.failed(leased, BROKEN, after(1), retry_at=None)
    assert await kept.lease(after(10_000)) == []
    (dead,) = await kept.store.list(state=DeliveryState.DEAD)
    assert (dead.id, dead.next_attempt_at, dead.url) == (leased.id, None, leased.url)
    again = await kept.store.resend(leased.id, after(2))
    assert again is not None
    assert (again.state, again.attempt_count) == (DeliveryState.WAITING, 0)
    (sent,) = await kept.lease(after(2))
    assert (sent.id, sent.body, sent.attempt_count) == (leased.id, leased.body, 1)
    assert await kept.store.resend(leased.id, after(3)) is None
    assert await kept.store.resend("nobody", after(3)) is None


async def test_who_was_overtaken_changes_nothing_but_for_success(kept: Kept):
    """Law: a late failure undoes nothing; a late success still ends the callback."""
    await kept.add(delivery())
    (slow,) = await kept.lease(seconds=10)
    (fast,) = await kept.lease(after(10), seconds=10)
    await kept.store.failed(slow, BROKEN, after(11), retry_at=None)
    (waiting,) = await kept.store.list(state=DeliveryState.WAITING)
    assert (waiting.attempt_count, waiting.last_status) == (2, 0)
    await kept.store.delivered(slow, ARRIVED, after(12))
    await kept.store.failed(fast, BROKEN, after(13), retry_at=after(14))
    assert await kept.lease(after(100)) == []
    assert await kept.store.counts() == DeliveryCounts()


async def test_a_disabled_receiver_is_sent_no_more(kept: Kept):
    """Law: all that waits for it is given up, what comes is dead; others get theirs."""
    old, other = delivery(), delivery(to="other")
    await kept.add(old, other)
    assert await kept.store.disable_receiver("shop", old.receiver_id, after(1), Disabled.GONE)
    assert not await kept.store.disable_receiver(
        "shop", old.receiver_id, after(2), Disabled.EXHAUSTED
    )
    new = delivery(at=after(3))
    await kept.add(new)
    assert [entry.id for entry in await kept.lease(after(4))] == [other.id]
    dead = await kept.store.list(state=DeliveryState.DEAD, receiver_id=old.receiver_id)
    assert [(entry.id, entry.last_error) for entry in dead] == [
        (new.id, "receiver_disabled"),
        (old.id, "receiver_disabled"),
    ]
    gone = Receiver(old.receiver_id, "shop", after(1), Disabled.GONE)
    assert await kept.store.disabled_receivers() == [gone]
    assert await kept.store.counts() == DeliveryCounts(1, 2, 1, NOON)


async def test_disabled_receivers_are_listed_latest_first_within_the_limit(kept: Kept):
    """Law: a limit cuts off those that were disabled the longest ago."""
    for place in range(3):
        await kept.store.disable_receiver("shop", f"r{place}", after(place), Disabled.GONE)
    listed = await kept.store.disabled_receivers(limit=2)
    assert [entry.id for entry in listed] == ["r2", "r1"]


async def test_an_enabled_receiver_gets_what_comes(kept: Kept):
    """Law: enabling sends what comes from then on; what was given up waits for its operator."""
    old = delivery()
    await kept.add(old)
    await kept.store.disable_receiver("shop", old.receiver_id, after(1), Disabled.EXHAUSTED)
    assert await kept.store.enable_receiver(old.receiver_id)
    assert not await kept.store.enable_receiver(old.receiver_id)
    assert await kept.store.disabled_receivers() == []
    new = delivery(at=after(2))
    await kept.add(new)
    assert [entry.id for entry in await kept.lease(after(3))] == [new.id]


async def test_a_paused_receiver_is_left_alone_until_its_time(kept: Kept):
    """Law: whoever asks for patience gets it for all callbacks, and is not disabled."""
    made, other = delivery(), delivery(to="other")
    await kept.add(made, other)
    await kept.store.pause_receiver("shop", made.receiver_id, after(60))
    assert [entry.id for entry in await kept.lease(after(59), seconds=1)] == [other.id]
    assert made.id in {entry.id for entry in await kept.lease(after(60))}
    assert await kept.store.disabled_receivers() == []
    assert not await kept.store.enable_receiver(made.receiver_id)
    await kept.store.pause_receiver("shop", made.receiver_id, after(120))
    assert await kept.store.disable_receiver("shop", made.receiver_id, after(61), Disabled.GONE)


async def test_receivers_are_paused_and_disabled_at_once_by_many(kept: Kept):
    """Law: of many that say the same of a receiver none fails, and one alone disabled it."""
    made = delivery()
    receiver = made.receiver_id
    await asyncio.gather(
        *(kept.store.pause_receiver("shop", receiver, after(60)) for _ in range(8))
    )
    told = await asyncio.gather(
        *(kept.store.disable_receiver("shop", receiver, NOON, Disabled.GONE) for _ in range(8))
    )
    assert sorted(told) == [False] * 7 + [True]


async def test_whether_a_receiver_takes_anything(kept: Kept):
    """Law: only what arrived at this very receiver since then counts."""
    await kept.add(delivery(), delivery(to="other"))
    leased = {entry.url: entry for entry in await kept.lease()}
    arrived, failed = leased.values()
    await kept.store.delivered(arrived, ARRIVED, after(5))
    await kept.store.failed(failed, BROKEN, after(5), retry_at=None)
    assert await kept.store.has_delivered(arrived.receiver_id, after(5))
    assert not await kept.store.has_delivered(arrived.receiver_id, after(6))
    assert not await kept.store.has_delivered(failed.receiver_id, NOON)


async def test_lists_are_of_one_project_newest_first_and_without_secrets(kept: Kept):
    """Law: an operator sees where callbacks go, and neither bodies nor headers nor secrets."""
    first, second = delivery(), delivery(at=after(1))
    foreign = delivery(at=after(2), project="bank")
    await kept.add(first, second, foreign)
    listed = await kept.store.list("shop")
    assert [entry.id for entry in listed] == [second.id, first.id]
    for entry in await kept.store.list():
        assert (entry.body, dict(entry.headers), entry.secret) == (b"", {}, "")
        assert entry.url == first.url
    assert [entry.id for entry in await kept.store.list(limit=1)] == [foreign.id]
    assert foreign.receiver_id != first.receiver_id


async def test_whoever_waits_hears_of_new_ones(kept: Kept):
    """Law: new callbacks wake whoever waits in this process, and so do those sent anew."""
    waiting = asyncio.create_task(kept.store.wait(3_600))
    await kept.add(delivery())
    async with asyncio.timeout(30):
        await waiting
    (leased,) = await kept.lease()
    await kept.store.failed(leased, BROKEN, after(1), retry_at=None)
    waiting = asyncio.create_task(kept.store.wait(3_600))
    await kept.store.resend(leased.id, after(2))
    async with asyncio.timeout(30):
        await waiting
    await kept.store.wait(0.001)


async def test_what_is_rolled_back_was_never_there(database_url: str):
    """Law: callbacks are written with their job or not at all, and wake nobody before."""
    async with opened(database_url) as engine:
        await migrate(engine)
        store = SqlDeliveryStore(engine, FakeSecretBox())
        async with async_sessionmaker(engine)() as session:
            await store.record(session, Records(deliveries=(delivery(),)))
            await session.flush()
            await session.rollback()
        waiting = asyncio.create_task(store.wait(60))
        await asyncio.sleep(0)
        assert await store.list() == []
        assert not waiting.done()
        waiting.cancel()


async def test_a_database_that_is_gone_is_unavailable(postgres: Postgres):
    """Law: a database that refuses is the contract's error."""
    async with opened(postgres.url("nothing")) as engine:
        store = SqlDeliveryStore(engine, FakeSecretBox())
        for call in (
            store.lease(NOON, limit=1, per_host=1, per_project=1, seconds=1),
            store.counts(),
        ):
            with pytest.raises(Unavailable) as caught:
                await call
            assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE

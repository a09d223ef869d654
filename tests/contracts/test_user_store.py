"""One suite for every ``UserStore``."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.ports import Forgotten
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Records, Ruling
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.rules import UserHistory
from tests.contracts.conftest import NewDatabase
from tests.contracts.records import Kept, fake, sql
from tests.databases import opened
from tests.decisions import NOON, blocked, decided

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request, new_database: NewDatabase) -> AsyncIterator[Kept]:
    if request.param == "fake":
        yield fake()
        return
    async with sql(await new_database(request.param)) as stores:
        yield stores


async def history(kept: Kept, at=NOON, actor_id: str = "ann", project: str = "shop") -> UserHistory:
    found = await kept.users.history(project, actor_id, at)
    assert found is not None
    return found


async def test_a_user_who_was_never_seen_has_no_history(kept: Kept):
    """Law: nobody is invented; content that names nobody makes no history."""
    await kept.keep(decided(actor_id=""))
    assert await kept.users.history("shop", "ann", NOON) is None
    assert await kept.users.history("shop", "", NOON) is None


async def test_windows_count_contents_flags_and_categories(kept: Kept):
    """Law: a flag is content that was not allowed; categories are those that acted."""
    await kept.keep(
        decided("a"),
        decided("b", scores={"L1": 0.6}),
        blocked("c", at=NOON - 20 * HOUR),
        decided("d", scores={"H3": 0.5, "L1": 0.9}, at=NOON - 3 * DAY),
        decided("e", at=NOON - 20 * DAY),
        blocked("f", at=NOON - 40 * DAY),
    )
    day, week, month = (await history(kept)).windows
    assert (day.hours, day.contents, day.flags) == (24, 3, 2)
    assert day.categories == {"H3": 1, "L1": 1}
    assert (week.hours, week.contents, week.flags) == (168, 4, 3)
    assert week.categories == {"H3": 2, "L1": 2}
    assert (month.hours, month.contents, month.flags) == (720, 5, 3)


async def test_a_window_is_never_short_and_at_most_an_hour_longer(kept: Kept):
    """Law: content of the last 24 hours counts in full, and none that is older than 25."""
    now = NOON + timedelta(minutes=59)
    await kept.keep(decided("in", at=now - 24 * HOUR), decided("out", at=now - 25 * HOUR))
    assert (await history(kept, now)).windows[0].contents == 1


async def test_users_and_projects_do_not_mix(kept: Kept):
    """Law: a history is one user's of one project, whatever characters the id has."""
    names = ("ann", "ann/\0 👍", "Ann")
    await kept.keep(*(decided(str(n), actor_id=name) for n, name in enumerate(names)))
    await kept.keep(blocked("other", project="blog"))
    for name in names:
        found = await history(kept, actor_id=name)
        assert (found.actor_id, found.windows[0].contents, found.strikes) == (name, 1, 0)
    assert (await history(kept, project="blog")).strikes == 1


async def test_first_and_last_seen_follow_the_content_and_not_the_order_of_writing(kept: Kept):
    """Law: late news of old content moves the first time seen, and not the last."""
    await kept.keep(decided("a"), decided("b", at=NOON - 2 * DAY), decided("c", at=NOON - DAY))
    found = await history(kept)
    assert (found.first_seen_at, found.last_seen_at) == (NOON - 2 * DAY, NOON)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_strike_counts_half_after_its_half_life(kept: Kept, order):
    """Law: strikes are content that was blocked, and decay alike in whatever order written."""
    strikes = (
        blocked("a", at=NOON, strike_half_life_days=10),
        blocked("b", at=NOON + 10 * DAY, strike_half_life_days=10),
    )
    await kept.keep(*(strikes[number] for number in order))
    await kept.keep(decided("c", scores={"L1": 0.9}, strike_half_life_days=10))
    assert (await history(kept, NOON + 10 * DAY)).strikes == pytest.approx(1.5)
    assert (await history(kept, NOON + 20 * DAY)).strikes == pytest.approx(0.75)


async def test_a_person_makes_a_strike_of_what_was_allowed(kept: Kept):
    """Law: what a person refuses is a flag and a strike from when it was decided, once."""
    await kept.keep(decided("a", strike_half_life_days=1))
    for _ in range(2):
        await kept.record(Records(ruling=Ruling("shop", "a", NOON + DAY, Action.BLOCK, "ann")))
    found = await history(kept, NOON + DAY)
    assert found.strikes == pytest.approx(0.5)
    assert [(window.contents, window.flags) for window in found.windows] == [(1, 1)] * 3


async def test_a_person_takes_back_what_was_blocked(kept: Kept):
    """Law: what a person lets through is no flag and no strike; of refusing it again, both."""
    await kept.keep(blocked("a"), blocked("b", at=NOON + DAY))

    async def rule(action: Action) -> tuple[float, int]:
        await kept.record(Records(ruling=Ruling("shop", "a", NOON + 2 * DAY, action, "ann")))
        found = await history(kept, NOON + DAY)
        return round(found.strikes, 6), found.windows[1].flags

    assert await rule(Action.ALLOW) == (1, 1)
    strikes, flags = await rule(Action.BLOCK)
    assert (strikes, flags) == (pytest.approx(1 + 0.5 ** (1 / 30), abs=1e-6), 2)


async def test_a_ruling_on_what_is_not_kept_changes_nothing(kept: Kept):
    """Law: nobody's history changes by content that nobody knows any more, or another project's."""
    await kept.keep(blocked("a"), blocked("b", project="blog"))
    for project, name in (("shop", "gone"), ("shop", "b")):
        await kept.record(Records(ruling=Ruling(project, name, NOON, Action.ALLOW, "ann")))
    for project in ("shop", "blog"):
        assert (await history(kept, project=project)).strikes == 1


async def test_a_forgotten_user_was_never_seen(kept: Kept):
    """Law: history, name and content are gone; the decisions and everybody else stay."""
    await kept.keep(
        blocked("a", payload=b"words"), decided("b"), decided("c", actor_id="bob", payload=b"words")
    )
    assert await kept.users.forget("shop", "ann") == Forgotten(2, 1)
    assert await kept.users.history("shop", "ann", NOON) is None
    read = [
        (entry.id, entry.actor_id, entry.payload)
        async for entry in kept.decisions.read("shop", since=NOON, until=NOON + DAY, most=10)
    ]
    assert read == [("a", "", b""), ("b", "", b""), ("c", "bob", b"words")]
    assert (await history(kept, actor_id="bob")).windows[0].contents == 1
    assert await kept.users.forget("shop", "ann") == Forgotten(0, 0)


async def test_a_ruling_on_a_forgotten_users_content_counts_for_nobody(kept: Kept):
    """Law: forgetting is for good; nothing brings a history back but new content."""
    await kept.keep(decided("a"))
    await kept.users.forget("shop", "ann")
    await kept.record(Records(ruling=Ruling("shop", "a", NOON, Action.BLOCK, "")))
    assert await kept.users.history("shop", "ann", NOON) is None


async def test_content_at_once_is_counted_exactly(database_url: str):
    """Law: of jobs that end at the same time none is lost from a count or a strike."""
    async with sql(database_url) as kept:
        together = [blocked(str(n)) for n in range(20)]
        if database_url.startswith("sqlite"):
            await kept.keep(*together)  # which takes one writer at a time by itself
        else:
            await asyncio.gather(*(kept.keep(decision) for decision in together))
        found = await history(kept)
    assert (found.windows[0].contents, found.strikes) == (20, pytest.approx(20))


async def test_rulings_and_content_at_once_wait_for_each_other(new_database: NewDatabase):
    """Law: people who rule while jobs end neither lose a count nor stop one another."""
    async with sql(await new_database("postgres")) as kept:
        await kept.keep(*(decided(f"old-{n}") for n in range(10)))
        rulings = [Ruling("shop", f"old-{n}", NOON, Action.BLOCK, "ann") for n in range(10)]
        await asyncio.gather(
            *(kept.record(Records(ruling=ruling)) for ruling in rulings),
            *(kept.keep(blocked(f"new-{n}")) for n in range(10)),
        )
        found = await history(kept)
    assert (found.windows[0].contents, found.windows[0].flags) == (20, 20)
    assert found.strikes == pytest.approx(20)


async def test_old_counts_and_histories_are_erased(database_url: str):
    """Law: counts go once no window needs them, a history with the user's last decision."""
    async with sql(database_url) as kept:
        await kept.keep(decided("a"), decided("b", actor_id="bob", at=NOON + 60 * DAY))
        assert await kept.users.erase_expired(NOON + 30 * DAY) == 0
        assert await kept.users.erase_expired(NOON + 31 * DAY) == 1
        assert (await history(kept, NOON + 31 * DAY)).windows[2].contents == 0
        assert await kept.users.erase_expired(NOON + 90 * DAY) == 1
        assert await kept.users.history("shop", "ann", NOON) is None
        assert (await history(kept, NOON + 90 * DAY, "bob")).windows[2].contents == 1


async def test_a_history_outlives_short_lived_decisions_by_its_longest_window(database_url: str):
    """Law: a policy that keeps decisions for a day still counts thirty."""
    async with sql(database_url) as kept:
        await kept.keep(replace(blocked("a"), decision_retention_days=1))
        await kept.decisions.erase_expired(NOON + DAY)
        await kept.users.erase_expired(NOON + 29 * DAY)
        assert (await history(kept, NOON + 29 * DAY)).windows[2].flags == 1


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table the store fails as unavailable, with when to try again."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as caught:
            await SqlUserStore(engine).history("shop", "ann", NOON)
    assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE

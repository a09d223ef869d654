"""One suite for every ``Credits``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gaveld.adapters.storage import credits as sql_credits
from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import Credits
from gaveld.domain.errors import ErrorReason, Unavailable
from tests.contracts.conftest import NewDatabase
from tests.databases import Postgres, opened
from tests.fakes.credits import FakeCredits


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[SqlCredits]:
    async with opened(url) as engine:
        await migrate(engine)
        yield SqlCredits(engine)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def purse(request, new_database: NewDatabase) -> AsyncIterator[Credits]:
    if request.param == "fake":
        yield FakeCredits()
        return
    async with sql(await new_database(request.param)) as store:
        yield store


async def test_a_project_without_a_balance_spends_freely(purse: Credits):
    """Law: nobody pays until an operator sets a balance, and a refund makes none."""
    assert await purse.spend("shop", 1_000) is None
    await purse.refund("shop", 1_000)
    assert await purse.list() == []


async def test_a_balance_is_spent_to_the_last_credit_and_no_further(purse: Credits):
    """Law: what is not covered is refused whole, with the balance, which stays as it was."""
    await purse.put("shop", 25)
    assert await purse.spend("shop", 10) is None
    assert await purse.spend("shop", 16) == 15
    assert await purse.spend("shop", 15) is None
    assert await purse.spend("shop", 1) == 0
    assert await purse.list() == [("shop", 0)]


async def test_spending_at_once_is_exact(purse: Credits):
    """Law: of calls that spend at the same time, exactly those that are covered are granted."""
    await purse.put("shop", 35)
    answers = await asyncio.gather(*(purse.spend("shop", 10) for _ in range(12)))
    assert answers.count(None) == 3
    assert await purse.list() == [("shop", 5)]


async def test_a_refund_can_be_spent_again(purse: Credits):
    """Law: a refund puts back exactly what it names."""
    await purse.put("shop", 10)
    await purse.spend("shop", 10)
    await purse.refund("shop", 10)
    assert await purse.spend("shop", 10) is None


async def test_projects_do_not_share_a_balance(purse: Credits):
    """Law: one project's spending costs no other."""
    await purse.put("shop", 10)
    await purse.put("blog", 7)
    await purse.spend("shop", 10)
    assert await purse.list() == [("blog", 7), ("shop", 0)]


async def test_a_balance_counts_from_when_it_is_set_until_it_is_taken_away(purse: Credits):
    """Law: a project that spent freely is held to a balance at once, and freed at once."""
    assert await purse.spend("shop", 1) is None
    await purse.put("shop", 0)
    assert await purse.spend("shop", 1) == 0
    await purse.put("shop", None)
    assert await purse.spend("shop", 1) is None
    with pytest.raises(ValueError, match="at least 0"):
        await purse.put("shop", -1)


async def test_a_balance_set_by_another_process_is_seen_in_time(database_url: str, monkeypatch):
    """Law: that a project spends freely is believed for a few seconds, not for ever."""
    now = 100.0
    monkeypatch.setattr(sql_credits.time, "monotonic", lambda: now)
    async with sql(database_url) as server, sql(database_url) as operator:
        assert await server.spend("shop", 1) is None
        await operator.put("shop", 0)
        now += sql_credits.REMEMBERED_SECONDS
        assert await server.spend("shop", 1) == 0


async def test_a_balance_may_be_large(purse: Credits):
    """Law: a balance is exact up to 2^53, as JSON's numbers are."""
    await purse.put("shop", 2**53)
    assert await purse.spend("shop", 1) is None
    assert await purse.list() == [("shop", 2**53 - 1)]


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table the store fails as unavailable, with when to try again."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as caught:
            await SqlCredits(engine).spend("shop", 1)
    assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE
    assert caught.value.retry_after_seconds is not None


@pytest.mark.parametrize("gone", ["server", "database"])
async def test_a_database_that_is_gone_is_unavailable(postgres: Postgres, tmp_path, gone: str):
    """Law: a server that doesn't answer, or refuses, is the contract's error too."""
    absent = Postgres(tmp_path) if gone == "server" else postgres
    async with opened(absent.url("nothing")) as engine:
        with pytest.raises(Unavailable) as caught:
            await SqlCredits(engine).spend("shop", 1)
    assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE

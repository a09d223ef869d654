"""One suite for every ``ApiKeyStore``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gaveld.adapters.storage.api_keys import (
    FileApiKeys,
    LayeredApiKeyStore,
    SqlApiKeyStore,
    entry_of,
)
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.api_keys import new_api_key
from gaveld.application.ports import ApiKey, ApiKeyStore, Period, Quota, RateLimit
from gaveld.domain.errors import ErrorReason, Unavailable
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.api_keys import FakeApiKeyStore


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[SqlApiKeyStore]:
    async with opened(url) as engine:
        await migrate(engine)
        yield SqlApiKeyStore(engine)


@pytest.fixture(params=["fake", "sqlite", "postgres", "layered over sqlite"])
async def store(request, new_database: NewDatabase) -> AsyncIterator[ApiKeyStore]:
    if request.param == "fake":
        yield FakeApiKeyStore()
        return
    kind = request.param.removeprefix("layered over ")
    async with sql(await new_database(kind)) as inner:
        yield inner if request.param == kind else LayeredApiKeyStore(inner)


KEY, _ = new_api_key(
    project="shop",
    client_id="acme",
    scopes=frozenset({"moderate", "admin"}),
    rate_limit=RateLimit(100, 60),
    quota=Quota(100_000, Period.DAY),
)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_a_kept_key_is_found_as_it_was(store: ApiKeyStore):
    """Law: what is found equals what was added, field by field."""
    await store.add(KEY)
    assert await store.find(KEY.id) == KEY


async def test_an_unknown_key_is_none(store: ApiKeyStore):
    """Law: a missing key is an answer, not an error."""
    assert await store.find("nobody") is None
    assert await store.find("nul \0") is None


async def test_an_id_is_taken_once(store: ApiKeyStore):
    """Law: adding a second key under one id fails and keeps the first."""
    await store.add(KEY)
    with pytest.raises(ValueError, match=KEY.id):
        await store.add(replace(KEY, project="other"))
    assert await store.find(KEY.id) == KEY


async def test_keys_are_listed_oldest_first(store: ApiKeyStore):
    """Law: the list is in the order of creation."""
    older = replace(KEY, id="older", created_at=KEY.created_at - timedelta(days=1))
    for key in (KEY, older):
        await store.add(key)
    assert list(await store.list()) == [older, KEY]


async def test_revoking_marks_a_key_and_keeps_the_first_time(store: ApiKeyStore):
    """Law: a revoked key is still found, as revoked since the first time."""
    await store.add(KEY)
    assert await store.find(KEY.id) == KEY
    assert await store.revoke(KEY.id, NOW)
    assert await store.revoke(KEY.id, NOW + timedelta(days=1))
    assert await store.find(KEY.id) == replace(KEY, revoked_at=NOW)


async def test_revoking_an_unknown_key_says_so(store: ApiKeyStore):
    """Law: nobody believes to have revoked a key that does not exist."""
    assert not await store.revoke("nobody", NOW)


async def test_keys_survive_the_process(database_url: str):
    """Law: a write is in the database when its call returns."""
    async with sql(database_url) as first:
        await first.add(KEY)
    async with sql(database_url) as second:
        assert await second.find(KEY.id) == KEY


async def test_a_store_without_its_tables_is_unavailable(database_url: str):
    """Law: a fault of the storage is the contract's error, and never "no such key"."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as failure:
            await SqlApiKeyStore(engine).find(KEY.id)
    assert failure.value.reason is ErrorReason.STORAGE_UNAVAILABLE


async def test_a_mounted_file_is_looked_up_first(tmp_path: Path):
    """Law: an entry that ``gavel keys create --print-entry`` printed is a key like any other."""
    path = tmp_path / "keys.yaml"
    path.write_text(entry_of(KEY), "utf-8")
    layered = LayeredApiKeyStore(FakeApiKeyStore(), FileApiKeys(path))
    assert await layered.find(KEY.id) == KEY
    assert list(await layered.list()) == [KEY]
    with pytest.raises(ValueError, match=KEY.id):
        await layered.add(KEY)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", "the file"),
        ("- {id: a}", "0.secret_sha256"),
        ("- 7", "0: "),
        ("- {id: a, secret_sha256: xyz, project: p}", "0.secret_sha256"),
        (entry_of(KEY) + "  colour: red", "0.colour: no such key"),
        (entry_of(KEY).replace("shop", "''"), "0.project"),
        (entry_of(KEY).replace("shop", "two words"), "0.project"),
        (entry_of(KEY).replace("acme", "café"), "0.client_id"),
        (entry_of(KEY).replace("acme", "a" * 129), "0.client_id"),
        ("{a: [}", "not YAML"),
    ],
)
def test_a_bad_keys_file_is_refused(tmp_path: Path, text: str, named: str):
    """Law: a mounted file that is not a list of whole entries stops the start."""
    path = tmp_path / "keys.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        FileApiKeys(path)


async def test_a_found_key_costs_no_second_query():
    """Law: the layered store asks the store behind it once while it remembers."""
    asked: list[str] = []

    class Counting(FakeApiKeyStore):
        async def find(self, key_id: str) -> ApiKey | None:
            asked.append(key_id)
            return await super().find(key_id)

    layered = LayeredApiKeyStore(Counting())
    await layered.add(KEY)
    for _ in range(3):
        assert await layered.find(KEY.id) == KEY
    assert asked == [KEY.id]

"""Migrations, on every kind of database that the storage may be in."""

import asyncio
import sqlite3
import subprocess
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from typer.testing import CliRunner, Result

from gaveld.adapters.storage.api_keys import SqlApiKeyStore
from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.migrations import SchemaState, migrate, schema_state
from gaveld.adapters.storage.tables import Base
from gaveld.bootstrap.cli import app
from gaveld.bootstrap.settings import Settings, SettingsError
from gaveld.bootstrap.stores import open_credits
from tests.databases import BINARIES, Postgres, opened

# What releases without migrations made, of which the oldest had the first table alone.
OLD_TABLES = (
    """CREATE TABLE api_keys (
        id VARCHAR(64) NOT NULL, secret_sha256 BLOB NOT NULL, project VARCHAR(128) NOT NULL,
        client_id VARCHAR(128) NOT NULL, scopes VARCHAR(256) NOT NULL, rate_limit_calls INTEGER,
        rate_limit_per_seconds INTEGER, created_at DATETIME NOT NULL, revoked_at DATETIME,
        PRIMARY KEY (id));
    INSERT INTO api_keys VALUES ('k1', zeroblob(32), 'shop', 'shop', 'moderate', 5, 60,
        '2026-11-01 12:00:00.000000', NULL);""",
    """CREATE TABLE credits (
        project VARCHAR(128) NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (project));
    INSERT INTO credits VALUES ('shop', 7);""",
    """CREATE TABLE feedback (
        project VARCHAR(128) NOT NULL, id VARCHAR(128) NOT NULL, given_at DATETIME NOT NULL,
        text TEXT NOT NULL, opinion JSON NOT NULL, PRIMARY KEY (project, id));
    CREATE INDEX ix_feedback_given_at ON feedback (given_at);
    INSERT INTO feedback VALUES ('shop', 'f1', '2026-11-01 12:00:00.000000', 'Hello', '{}');""",
)


async def differences(url: str) -> list[object]:
    async with opened(url) as engine, engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )


async def test_migrations_make_what_the_stores_expect(database_url: str):
    """Law: the migrated schema is the stores' tables, column by column."""
    async with opened(database_url) as engine:
        assert await schema_state(engine) is SchemaState.BEHIND
        assert await migrate(engine) is SchemaState.BEHIND
        assert await schema_state(engine) is SchemaState.CURRENT
    assert await differences(database_url) == []


@pytest.mark.parametrize("tables", range(1, len(OLD_TABLES) + 1))
async def test_a_file_from_before_migrations_is_taken_over(tmp_path: Path, tables: int):
    """Law: whatever tables an older release left, their rows stay and the schema is ours."""
    file = tmp_path / "gavel.db"
    with closing(sqlite3.connect(file)) as old:
        old.executescript("".join(OLD_TABLES[:tables]))
    url = f"sqlite+aiosqlite:///{file}"
    async with opened(url) as engine:
        await migrate(engine)
        assert [key.id for key in await SqlApiKeyStore(engine).list()] == ["k1"]
        assert await SqlCredits(engine).list() == [("shop", 7)][: tables - 1]
        opinions = [opinion.text async for opinion in SqlFeedbackStore(engine).read()]
        assert opinions == ["Hello"][: max(0, tables - 2)]
    assert await differences(url) == []


async def test_of_migrations_at_once_one_works(database_url: str):
    """Law: servers that start together don't race; the others find the work done."""
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(opened(database_url)) for _ in range(6)]
        found = await asyncio.gather(*(migrate(engine) for engine in engines))
    assert found.count(SchemaState.BEHIND) == 1
    assert found.count(SchemaState.CURRENT) == 5


async def open_storage(url: str) -> None:
    async with AsyncExitStack() as stack:
        store = await open_credits(Settings.model_validate({"storage": {"url": url}}), stack)
        assert await store.list() == []


async def test_a_server_migrates_its_own_file(tmp_path: Path):
    """Law: with SQLite there is nothing to do before the start, not even a folder to make."""
    await open_storage(f"sqlite+aiosqlite:///{tmp_path}/new/gavel.db")


async def test_a_server_refuses_a_database_that_is_behind(postgres: Postgres):
    """Law: a shared database is migrated when an operator says so, and the error says how."""
    url = await postgres.new_url()
    with pytest.raises(SettingsError, match="gavel migrate"):
        await open_storage(url)
    async with opened(url) as engine:
        assert await schema_state(engine) is SchemaState.BEHIND
        await migrate(engine)
    await open_storage(url)


async def test_a_database_of_a_later_release_is_refused_and_left_alone(database_url: str):
    """Law: what this release doesn't know, it neither serves nor changes."""
    async with opened(database_url) as engine:
        await migrate(engine)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert await migrate(engine) is SchemaState.AHEAD
        assert await schema_state(engine) is SchemaState.AHEAD
    with pytest.raises(SettingsError, match="later release"):
        await open_storage(database_url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user:hidden@host/base", "must begin with"),
        ("postgresql+psycopg://user:hidden@host/base", "must begin with"),
        ("hidden", "not a database's URL"),
        ("postgresql://user:hidden@/base?host=/nowhere", "can't be opened"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named_without_its_password(url: str, told: str):
    """Law: the setting is named with what is wrong, and nothing of the URL is repeated."""
    with pytest.raises(SettingsError, match=told) as failure:
        await open_storage(url)
    assert str(failure.value).startswith("storage.url: ")
    assert "hidden" not in str(failure.value)


async def gavel(*arguments: str, url: str) -> Result:
    runner = CliRunner(env={"GAVEL_STORAGE__URL": url})
    return await asyncio.to_thread(runner.invoke, app, arguments)


async def test_the_command_checks_and_migrates(database_url: str):
    """Law: ``--check`` fails until ``gavel migrate`` has run, and changes nothing itself."""
    for _ in range(2):
        checked = await gavel("migrate", "--check", url=database_url)
        assert checked.exit_code == 2
        assert "gavel migrate" in checked.stderr
    assert (await gavel("migrate", url=database_url)).exit_code == 0
    assert (await gavel("migrate", "--check", url=database_url)).exit_code == 0
    assert (await gavel("migrate", url=database_url)).exit_code == 0


def psql(*arguments: str, given: str) -> None:
    subprocess.run([BINARIES / "psql", *arguments], input=given.encode(), check=True)


async def test_the_printed_statements_do_the_same(database_url: str, tmp_path: Path):
    """Law: an administrator who runs ``--sql`` by hand has a current database."""
    printed = (await gavel("migrate", "--sql", url=database_url)).stdout
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "gavel.db")) as database:
            database.executescript(printed)
    else:
        psql("-q", "-v", "ON_ERROR_STOP=1", "-d", database_url, given=printed)
    async with opened(database_url) as engine:
        assert await schema_state(engine) is SchemaState.CURRENT
    assert await differences(database_url) == []

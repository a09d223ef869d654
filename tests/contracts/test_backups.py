"""Backup and restore, as docs/operations.md says to do them."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.migrations import SchemaState, migrate, schema_state
from tests.databases import BINARIES, Postgres, opened


async def put(url: str, balance: int) -> None:
    async with opened(url) as engine:
        await migrate(engine)
        await SqlCredits(engine).put("shop", balance)


async def assert_as_backed_up(url: str) -> None:
    async with opened(url) as engine:
        assert await schema_state(engine) is SchemaState.CURRENT
        assert await SqlCredits(engine).list() == [("shop", 1)]


async def test_a_file_is_restored_from_its_backup(tmp_path: Path):
    """Law: a copy that SQLite made while the file is open is the database of that moment."""
    file, backup = tmp_path / "gavel.db", tmp_path / "backup.db"
    url = f"sqlite+aiosqlite:///{file}"
    await put(url, 1)
    async with opened(url) as engine, engine.connect() as connection:
        await connection.exec_driver_sql("SELECT * FROM credits")
        with closing(sqlite3.connect(file)) as database:
            database.execute(f"VACUUM INTO '{backup}'")
    await put(url, 2)
    backup.replace(file)
    await assert_as_backed_up(url)


async def test_a_database_is_restored_from_its_dump(postgres: Postgres, tmp_path: Path):
    """Law: what ``pg_dump`` took, ``pg_restore`` puts back over what there is since, and anew."""
    url, dump = await postgres.new_url(), tmp_path / "gavel.dump"
    await put(url, 1)
    run("pg_dump", "--format=custom", f"--file={dump}", url)
    await put(url, 2)
    for target in (url, await postgres.new_url()):
        restore = ("--clean", "--if-exists", "--single-transaction", f"--dbname={target}")
        run("pg_restore", *restore, str(dump))
        await assert_as_backed_up(target)


def run(program: str, *arguments: str) -> None:
    subprocess.run([BINARIES / program, *arguments], check=True)

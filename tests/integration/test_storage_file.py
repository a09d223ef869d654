"""The file of SQLite, as the server makes it."""

from contextlib import AsyncExitStack
from pathlib import Path

from gaveld.bootstrap.stores import open_engine


async def test_the_file_is_its_owners_alone(tmp_path: Path):
    """Law: nobody else on the machine reads what people wrote, in the file or its journal."""
    file = tmp_path / "new" / "gavel.db"
    async with AsyncExitStack() as stack:
        engine = await open_engine(f"sqlite+aiosqlite:///{file}", stack)
        async with engine.connect() as connection:
            await connection.exec_driver_sql("SELECT count(*) FROM jobs")
            made = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    assert made["gavel.db"] == 0o600
    assert set(made.values()) == {0o600}


async def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path):
    """Law: whom an operator lets read the file stays the operator's to say."""
    file = tmp_path / "gavel.db"
    file.touch()
    file.chmod(0o640)
    async with AsyncExitStack() as stack:
        await open_engine(f"sqlite+aiosqlite:///{file}", stack)
    assert file.stat().st_mode & 0o777 == 0o640

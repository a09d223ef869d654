"""Has SQLite write ahead: readers and the writer don't wait for each other, a commit syncs once.

What is committed is on disk all the same, also if the power fails. What is erased is overwritten,
and leaves the journal when that is emptied.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_MILLISECONDS: Final = 10_000
"""How long to wait for a writer of another process; calls are to be told before their time ends."""
EMPTYING_MILLISECONDS: Final = 100
"""How long to wait for readers of what is in the journal."""


def write_ahead(engine: AsyncEngine) -> None:
    """Set up every connection that the engine opens from now on, and so the file."""

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA secure_delete = ON")
        finally:
            cursor.close()


class EmptyJournal:
    """Takes what was erased out of SQLite's journal too, which else holds it until overwritten."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, now: datetime) -> int:
        """Empty the journal if nobody reads what is in it; the next time will do as well."""
        del now
        if self._engine.dialect.name == "sqlite":
            async with self._engine.connect() as connection:
                # Writers wait while this does, so it gives up soon.
                await connection.exec_driver_sql(f"PRAGMA busy_timeout = {EMPTYING_MILLISECONDS}")
                try:
                    await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    await connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        return 0

"""Has SQLite write ahead: readers and the writer don't wait for each other, a commit syncs once.

What is committed is on disk all the same, also if the power fails.
"""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_MILLISECONDS: Final = 30_000
"""How long to wait for a writer of another process."""


def write_ahead(engine: AsyncEngine) -> None:
    """Set up every connection that the engine opens from now on, and so the file."""

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
        finally:
            cursor.close()

"""Has connections that PostgreSQL ended, as with a restart, replaced, so that they fail no call.

Those in use say so themselves. One that has rested is asked first, as nobody may have been told
that it is gone; asking each time would cost more than most of what is written.
"""

import time
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

RESTED_SECONDS: Final = 1.0
"""After so long without work a connection is asked whether it is there."""
_SINCE: Final = "gavel_rests_since"


def replace_ended(engine: AsyncEngine) -> None:
    """Look at every connection that the engine hands out again from now on."""
    dialect = engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def rests(_: Any, record: Any) -> None:
        record.info[_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def is_taken(connection: Any, record: Any, _: Any) -> None:
        since = record.info.get(_SINCE)
        if since is None:  # it is new
            return
        if connection.driver_connection.is_closed():
            raise DisconnectionError
        if time.monotonic() - since < RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except (dialect.loaded_dbapi.Error, OSError) as error:
            raise DisconnectionError from error

"""Connections that PostgreSQL ended while nobody used them."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.storage import connections
from tests.contracts.conftest import NewDatabase
from tests.databases import opened

END_THE_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
WHO = text("SELECT pg_backend_pid()")


async def who(engine: AsyncEngine) -> int:
    """Use a connection, give it back, and return whose it was."""
    async with engine.connect() as connection:
        return (await connection.execute(WHO)).scalar_one()


async def end_of(engine: AsyncEngine) -> asyncio.Event:
    """Return what is set once the connection that is used next knows that it has ended."""
    has_ended = asyncio.Event()
    async with engine.connect() as connection:
        own = (await connection.get_raw_connection()).driver_connection
        own.add_termination_listener(lambda _: has_ended.set())
    return has_ended


@pytest.mark.parametrize("rested", [float("inf"), 0.0])
async def test_a_connection_that_ended_fails_no_call(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, rested
):
    """Law: it is replaced as it is taken, whether it knows that it has ended or must be asked."""
    monkeypatch.setattr(connections, "RESTED_SECONDS", rested)
    url = await new_database("postgres")
    async with opened(url) as engine, opened(url) as other:
        connections.replace_ended(engine)
        before, has_ended = await who(engine), await end_of(engine)
        assert await who(engine) == before
        async with other.connect() as connection:
            await connection.execute(END_THE_OTHERS)
        if rested:
            await has_ended.wait()
        assert await who(engine) != before

"""What the suites of the storage share: empty databases, and one PostgreSQL to have them in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.job_stores import Kept, fake, sql
from tests.databases import Postgres, running_postgres
from tests.jobs import Clock

NewDatabase = Callable[[str], Awaitable[str]]
"""Takes ``sqlite`` or ``postgres`` and returns the URL of an empty database of that kind."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def new_database(request, tmp_path: Path) -> NewDatabase:
    async def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path}/gavel.db"
        return await request.getfixturevalue("postgres").new_url()

    return new


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request, new_database: NewDatabase) -> str:
    """The URL of an empty database, of each kind."""
    return await new_database(request.param)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request, new_database: NewDatabase) -> AsyncIterator[Kept]:
    """A store of jobs, of each kind."""
    store = fake() if request.param == "fake" else sql(await new_database(request.param), Clock())
    async with store as kept:
        yield kept

"""Stores of jobs, of every kind, and what the suites of them share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from gaveld.adapters.storage.credits import CreditRow
from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import JobStore
from gaveld.domain.decision_records import Records
from gaveld.domain.jobs import Job, Lease
from tests.databases import opened
from tests.fakes.jobs import FakeJobStore
from tests.jobs import Clock, a_job, records_of

LEASE = 60.0


@dataclass
class Kept:
    """A store, the clock that it goes by, and the ids of the decisions written with its jobs."""

    store: JobStore
    clock: Clock
    recorded: Callable[[], Awaitable[list[str]]]

    async def lease(self, limit: int = 100, *, worker: str = "one") -> list[Lease]:
        return list(await self.store.lease(worker, limit=limit, seconds=LEASE))

    async def lease_one(self) -> Lease:
        (lease,) = await self.lease(1)
        return lease

    async def is_finished(self, lease: Lease, answer: bytes = b"answer") -> bool:
        return await self.store.finish(lease, answer, records_of(lease.job))


async def record(session: AsyncSession, records: Records) -> None:
    """Write a row that tells of a decision; twice of one is an error."""
    if records.decision is not None:
        session.add(CreditRow(project=records.decision.id, balance=0))
        await session.flush()


@asynccontextmanager
async def sql(url: str, clock: Clock) -> AsyncIterator[Kept]:
    async with opened(url) as engine:
        await migrate(engine)
        store = SqlJobStore(engine, [record], clock=clock)

        async def recorded() -> list[str]:
            return await rows(engine)

        yield Kept(store, clock, recorded)


async def rows(engine: AsyncEngine) -> list[str]:
    async with AsyncSession(engine) as session:
        return list(await session.scalars(select(CreditRow.project)))


@asynccontextmanager
async def fake() -> AsyncIterator[Kept]:
    clock = Clock()
    store = FakeJobStore(clock=clock)

    async def recorded() -> list[str]:
        return [job_id for job_id, written in store.records.items() for _ in written]

    yield Kept(store, clock, recorded)


async def a_dead_job(kept: Kept, **facts: object) -> Job:
    await kept.store.add(a_job(**facts))
    lease = await kept.lease_one()
    assert await kept.store.fail(lease, "INTERNAL", "It failed.", retry_at=None)
    dead = await kept.store.find(lease.job.project, lease.job.id)
    assert dead is not None
    return dead

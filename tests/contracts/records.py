"""Stores of decisions and of users that are written to as the end of a job writes to them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from gaveld.adapters.storage.decisions import SqlDecisionStore, record_decision
from gaveld.adapters.storage.forgetting import forgetting
from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.ports import DecisionStore, UserStore
from gaveld.domain.decision_records import Decision, Records
from tests.databases import opened
from tests.fakes.decisions import FakeDecisions


@dataclass(frozen=True)
class Kept:
    """The two stores, and what writes to them."""

    decisions: DecisionStore
    users: UserStore
    record: Callable[[Records], Awaitable[None]]
    engine: AsyncEngine | None = None

    async def keep(self, *decisions: Decision) -> None:
        for decision in decisions:
            await self.record(Records(decision))


def fake() -> Kept:
    store = FakeDecisions()

    async def record(records: Records) -> None:
        store.record(records)

    return Kept(store, store, record)


def on(engine: AsyncEngine) -> Kept:
    async def record(records: Records) -> None:
        async with async_sessionmaker(engine).begin() as session:
            await record_decision(session, records)

    users = SqlUserStore(engine, [forgetting(bytes, bytes)])
    return Kept(SqlDecisionStore(engine), users, record, engine)


@asynccontextmanager
async def sql(url: str) -> AsyncIterator[Kept]:
    async with opened(url) as engine:
        await migrate(engine)
        yield on(engine)

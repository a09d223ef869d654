"""Stores of callbacks for their suites, and callbacks to put into them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy.ext.asyncio import async_sessionmaker

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import Attempt, DeliveryStore
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import AttemptOutcome, Delivery
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.deliveries import FakeDeliveryStore
from tests.fakes.secret_box import FakeSecretBox

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARRIVED = Attempt(AttemptOutcome.DELIVERED, 204)
BROKEN = Attempt(AttemptOutcome.FAILED, 502, "http_status")

_serial = count()


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def delivery(to: str = "shop", at: datetime = NOON, **facts: object) -> Delivery:
    """A new callback; ``to`` names its receiver."""
    made = Delivery(
        id=f"msg_{next(_serial):06}",
        project="shop",
        event="content.decided",
        url=f"https://{to}.example/hook?token=t0ken",
        body=b'{"content":{}}',
        secret="whsec_bm90IG11Y2ggb2YgYSBzZWNyZXQ=",
        created_at=at,
        headers={"x-static": "heāder"},
        job_id="j1",
        action_id="a1",
    )
    return replace(made, **facts, receiver_id="", host_id="")


@dataclass
class Kept:
    """A store under test, and how a job's callbacks get into it."""

    store: DeliveryStore
    add: Callable[..., Awaitable[None]]

    async def lease(self, at: datetime = NOON, **bounds: object) -> list[Delivery]:
        asked = {"limit": 100, "per_host": 100, "per_project": 100, "seconds": 30, **bounds}
        return list(await self.store.lease(at, **asked))


@asynccontextmanager
async def sql(url: str, box: FakeSecretBox | None = None) -> AsyncIterator[Kept]:
    async with opened(url) as engine:
        await migrate(engine)
        store = SqlDeliveryStore(engine, box or FakeSecretBox())

        async def add(*deliveries: Delivery) -> None:
            async with async_sessionmaker(engine).begin() as session:
                await store.record(session, Records(deliveries=deliveries))

        yield Kept(store, add)


@asynccontextmanager
async def delivery_store(kind: str, new_database: NewDatabase) -> AsyncIterator[Kept]:
    """Open an empty store: ``fake``, ``sqlite`` or ``postgres``."""
    if kind == "fake":
        fake = FakeDeliveryStore()
        yield Kept(fake, fake.add)
        return
    async with sql(await new_database(kind)) as made:
        yield made

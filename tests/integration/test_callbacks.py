"""Callbacks from a real storage, over real sockets, to receivers that behave and that don't."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from standardwebhooks import Webhook

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.bootstrap.callbacks import build_deliver_callbacks
from gaveld.bootstrap.settings import Settings
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import Delivery, DeliveryState
from tests.callback_receiver import Arrival, Receiver, receiving, says
from tests.certificates import self_signed
from tests.fakes.secret_box import FakeSecretBox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def turn() -> None:
    """Let every task that can go on do so once."""
    await asyncio.sleep(0)


@dataclass
class Stand:
    """A storage whose callbacks are being sent, and the metrics of it."""

    engine: AsyncEngine
    store: SqlDeliveryStore
    registry: CollectorRegistry

    async def add(self, receiver: Receiver, *ids: str, scheme: str = "http") -> None:
        at = datetime.now(UTC)
        made = tuple(
            Delivery(
                id=key,
                project="shop",
                event="content.decided",
                url=f"{scheme}://127.0.0.1:{receiver.port}/hook",
                body=json.dumps({"id": key}).encode(),
                secret=SECRET,
                created_at=at,
            )
            for key in ids
        )
        async with async_sessionmaker(self.engine).begin() as session:
            await self.store.record(session, Records(deliveries=made))

    async def settled(self, state: DeliveryState, count: int) -> None:
        """Come back once so many callbacks are in a state."""
        async with asyncio.timeout(60):
            while len(await self.store.list(state=state, limit=1_000)) < count:
                await turn()

    def attempts(self, outcome: str) -> float | None:
        name = "gavel_callback_attempt_duration_seconds_count"
        return self.registry.get_sample_value(name, {"outcome": outcome})


@asynccontextmanager
async def sending(engine: AsyncEngine, **settings: Any) -> AsyncIterator[Stand]:
    """Send what the storage has, as ``gavel serve`` does."""
    wanted = Settings.model_validate(
        {"callbacks": {"internal_hosts": ["127.0.0.1"], "poll_seconds": 60, **settings}}
    )
    registry, store = CollectorRegistry(), SqlDeliveryStore(engine, FakeSecretBox())
    async with AsyncExitStack() as stack:
        deliver = build_deliver_callbacks(wanted, store, registry, stack)
        assert deliver is not None
        running = asyncio.create_task(deliver.run())
        try:
            yield Stand(engine, store, registry)
        finally:
            deliver.stop()
            await running


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/gavel.db")
    await migrate(made)
    yield made
    await made.dispose()


async def test_every_callback_arrives_once_and_signed(engine: AsyncEngine):
    """Law: what is committed is sent without waiting for the poll, each under an id of its own."""
    ids = [f"msg_{place}" for place in range(60)]
    async with receiving() as receiver, sending(engine) as stand:
        for start in range(0, 60, 20):
            await stand.add(receiver, *ids[start : start + 20])
        arrivals = await receiver.wait_for(60)
        await stand.settled(DeliveryState.DELIVERED, 60)
    assert Counter(entry.headers["webhook-id"] for entry in arrivals) == Counter(ids)
    for entry in arrivals:
        told = Webhook(SECRET).verify(entry.body, dict(entry.headers))
        assert told == {"id": entry.headers["webhook-id"]}
    assert receiver.most_at_once <= 8
    assert stand.attempts("delivered") == 60


async def test_a_hanging_receiver_holds_up_no_other(engine: AsyncEngine):
    """Law: a receiver that never answers takes its own places and nobody else's."""

    async def hang(_: Arrival, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with receiving(hang) as hanging, receiving() as quick:
        asked = {"max_at_once": 4, "max_per_host": 2, "timeout_seconds": 0.5}
        async with sending(engine, **asked) as stand:
            await stand.add(hanging, *(f"slow_{place}" for place in range(20)))
            await stand.add(quick, *(f"quick_{place}" for place in range(20)))
            await stand.settled(DeliveryState.DELIVERED, 20)
    assert hanging.most_at_once <= 2
    assert {entry.headers["webhook-id"][:5] for entry in quick.arrivals} == {"quick"}


async def test_a_process_that_dies_between_sending_and_recording_sends_again(engine: AsyncEngine):
    """Law: the next process sends it once more, under the same id, and then never again."""
    async with receiving() as receiver:
        dying = SqlDeliveryStore(engine, FakeSecretBox())
        await Stand(engine, dying, CollectorRegistry()).add(receiver, "msg_1")
        # It sent the callback and died: all that is left of it is a lease that ran out.
        leased = await dying.lease(datetime.now(UTC), limit=1, per_host=1, per_project=1, seconds=0)
        async with sending(engine) as stand:
            await stand.settled(DeliveryState.DELIVERED, 1)
        async with sending(engine) as stand:
            await stand.add(receiver, "msg_2")
            await stand.settled(DeliveryState.DELIVERED, 2)
    assert [entry.id for entry in leased] == ["msg_1"]
    assert [entry.headers["webhook-id"] for entry in receiver.arrivals] == ["msg_1", "msg_2"]


async def test_two_processes_share_the_work(engine: AsyncEngine):
    """Law: however many send, no callback is sent by two of them."""
    ids = [f"msg_{place}" for place in range(40)]
    async with (
        receiving() as receiver,
        sending(engine, poll_seconds=0.05) as one,
        sending(engine, poll_seconds=0.05) as two,
    ):
        await one.add(receiver, *ids[:20])
        await two.add(receiver, *ids[20:])
        await one.settled(DeliveryState.DELIVERED, 40)
    assert Counter(entry.headers["webhook-id"] for entry in receiver.arrivals) == Counter(ids)


async def test_410_is_the_end(engine: AsyncEngine):
    """Law: a receiver that is gone is sent nothing more, and the metrics show it."""
    async with receiving(says(410)) as receiver, sending(engine, max_per_host=1) as stand:
        await stand.add(receiver, "msg_1", "msg_2")
        await stand.settled(DeliveryState.DEAD, 2)
        await stand.add(receiver, "msg_3")
        await stand.settled(DeliveryState.DEAD, 3)
        (disabled,) = await stand.store.disabled_receivers()
    assert len(receiver.arrivals) == 1
    assert disabled.project == "shop"
    name = "gavel_callback_receivers_disabled_total"
    assert stand.registry.get_sample_value(name, {"why": "gone"}) == 1


async def test_receivers_inside_are_trusted_by_their_own_authority(
    engine: AsyncEngine, tmp_path: Path
):
    """Law: ``callbacks.ca_file`` signs for receivers beside what the system trusts."""
    certificate, key = self_signed(tmp_path, "receiver")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    async with receiving(tls=served) as receiver, sending(engine, ca_file=certificate) as stand:
        await stand.add(receiver, "msg_1", scheme="https")
        await stand.settled(DeliveryState.DELIVERED, 1)


async def test_hosts_that_nobody_named_are_not_reached(engine: AsyncEngine):
    """Law: loopback is refused unless the settings name it, and nothing arrives."""
    async with receiving() as receiver, sending(engine, internal_hosts=[]) as stand:
        await stand.add(receiver, "msg_1")
        async with asyncio.timeout(60):
            while not stand.attempts("not_allowed"):
                await turn()
    assert receiver.connections == 0

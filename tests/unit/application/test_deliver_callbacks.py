"""Callbacks are sent until they arrive or are given up, fairly, and under one id."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from gaveld.application.deliver_callbacks import DeliverCallbacks, DeliveryPace
from gaveld.application.ports import Attempt, DeliveryCounts
from gaveld.domain.deliveries import (
    MAX_ATTEMPTS,
    SCHEDULE,
    AttemptOutcome,
    Delivery,
    DeliveryState,
    Disabled,
    retry_at,
)
from gaveld.domain.errors import ErrorReason, Unavailable
from tests.fakes.deliveries import (
    FakeCallbackSender,
    FakeCallbackTelemetry,
    FakeDeliveryStore,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REFUSED = Attempt(AttemptOutcome.REFUSED, 404, "http_status")
GONE = Attempt(AttemptOutcome.GONE, 410, "http_status")

_serial = count()


def delivery(
    to: str = "shop", at: datetime = NOON, path: str = "hook", project: str = "shop"
) -> Delivery:
    url = f"https://{to}.example/{path}?token=t0ken"
    key = f"msg_{next(_serial):06}"
    return Delivery(key, project, "content.decided", url, b"{}", "secret", at)


async def turn() -> None:
    """Let every task that can go on do so once."""
    await asyncio.sleep(0)


async def eventually(is_so: Callable[[], bool]) -> None:
    """Come back once it is so."""
    async with asyncio.timeout(30):
        while not is_so():
            await turn()


@dataclass
class Clock:
    """Time that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Stand:
    """What is under test, over fakes."""

    sender: FakeCallbackSender = field(default_factory=FakeCallbackSender)
    store: FakeDeliveryStore = field(default_factory=FakeDeliveryStore)
    telemetry: FakeCallbackTelemetry = field(default_factory=FakeCallbackTelemetry)
    clock: Clock = field(default_factory=Clock)
    pace: DeliveryPace = field(default_factory=lambda: DeliveryPace(poll_seconds=0.001))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        deliver = DeliverCallbacks(
            self.store, self.sender, self.telemetry, self.pace, now=self.clock
        )
        running = asyncio.create_task(deliver.run())
        try:
            yield
        finally:
            deliver.stop()
            await running

    async def until(self, state: DeliveryState, count: int = 1) -> None:
        """Come back once so many callbacks are in a state."""
        kept = self.store.kept
        await eventually(lambda: sum(entry.state is state for entry in kept.values()) >= count)


async def test_what_is_added_is_sent_at_once():
    """Law: new callbacks wake the loop; nobody waits for the poll."""
    stand = Stand(pace=DeliveryPace(poll_seconds=3600))
    async with stand.running():
        for _ in range(3):
            await stand.store.add(delivery())
            await stand.until(DeliveryState.DELIVERED, len(stand.sender.sent))
        await stand.until(DeliveryState.DELIVERED, 3)
    assert stand.telemetry.attempts == [AttemptOutcome.DELIVERED] * 3
    assert stand.store.lease_count <= 4  # at the start, and for each: none for what was all had


async def test_failures_go_through_the_whole_schedule_under_one_id(caplog):
    """Law: ten attempts at their times, then dead and the receiver disabled, which is told."""
    stand, made = Stand(FakeCallbackSender([REFUSED] * 20)), delivery()
    await stand.store.add(made)
    async with stand.running():
        for attempts in range(1, 10):
            expected = retry_at(attempts, stand.clock.now)
            await eventually(lambda at=expected: stand.store.kept[made.id].next_attempt_at == at)
            assert expected is not None
            stand.clock.now = expected
        await stand.until(DeliveryState.DEAD)
        await eventually(lambda: bool(stand.telemetry.disabled))
    assert [sent.attempt_count for sent in stand.sender.sent] == list(range(1, 11))
    assert {sent.id for sent in stand.sender.sent} == {made.id}
    assert round((stand.clock.now - NOON) / timedelta(hours=1), 1) == 75.6
    assert stand.telemetry.disabled == [Disabled.EXHAUSTED]
    assert [entry.id for entry in await stand.store.disabled_receivers()] == [made.receiver_id]
    (told,) = (entry for entry in caplog.records if "disabled" in entry.message)
    assert told.receiver == made.receiver_id
    assert "t0ken" not in caplog.text + repr(vars(told))


async def test_410_disables_at_once_and_gives_up_what_waits():
    """Law: a receiver that is gone is asked no more; others are none of its business."""
    stand = Stand(FakeCallbackSender([GONE]))
    first, later, other = delivery(), delivery(at=NOON + timedelta(hours=1)), delivery("other")
    await stand.store.add(first, later)
    async with stand.running():
        await stand.until(DeliveryState.DEAD, 2)
        await stand.store.add(other)
        await stand.until(DeliveryState.DELIVERED)
    assert [sent.id for sent in stand.sender.sent] == [first.id, other.id]
    assert stand.telemetry.disabled == [Disabled.GONE]


async def test_one_bad_callback_disables_no_receiver_that_takes_others():
    """Law: at the end of its schedule a callback dies alone where others arrived meanwhile."""
    stand, bad, good = Stand(FakeCallbackSender([REFUSED])), delivery(), delivery()
    await stand.store.add(bad, good)
    stand.store.kept[bad.id] = replace(stand.store.kept[bad.id], attempt_count=9)
    await stand.store.delivered(good, Attempt(AttemptOutcome.DELIVERED, 200), NOON)
    stand.clock.now = NOON + SCHEDULE
    async with stand.running():
        await stand.until(DeliveryState.DEAD)
    assert [sent.attempt_count for sent in stand.sender.sent] == [10]
    assert stand.telemetry.disabled == []
    assert await stand.store.disabled_receivers() == []


async def test_attempts_that_were_lost_here_are_not_the_receivers_fault():
    """Law: a receiver is disabled after a whole schedule, however soon the attempts are used up."""
    stand, made = Stand(FakeCallbackSender([REFUSED])), delivery()
    await stand.store.add(made)
    stand.store.kept[made.id] = replace(stand.store.kept[made.id], attempt_count=9)
    stand.clock.now = NOON + SCHEDULE - timedelta(seconds=1)
    async with stand.running():
        await stand.until(DeliveryState.DEAD)
    assert stand.telemetry.disabled == []


async def test_who_asks_for_patience_is_left_alone_for_all_callbacks():
    """Law: Retry-After pauses the receiver, not only the callback that met it."""
    asked = Attempt(AttemptOutcome.THROTTLED, 429, "http_status", 600.0)
    stand, made = Stand(FakeCallbackSender([asked])), delivery()
    await stand.store.add(made)
    async with stand.running():
        await eventually(lambda: made.receiver_id in stand.store.paused)
        again_at = stand.store.kept[made.id].next_attempt_at
        other, next_one = delivery("other"), delivery()
        await stand.store.add(next_one, other)
        await stand.until(DeliveryState.DELIVERED)
        assert [sent.id for sent in stand.sender.sent] == [made.id, other.id]
        stand.clock.now = NOON + timedelta(seconds=600)
        await stand.until(DeliveryState.DELIVERED, 3)
    assert again_at == NOON + timedelta(seconds=600)


class SlowSender(FakeCallbackSender):
    """Sends to slow receivers end only when let, and count how many are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def send(self, delivery: Delivery) -> Attempt:
        receiver = "slow" if "slow" in delivery.url else "quick"
        for name in (receiver, "all"):
            self.under_way[name] += 1
            self.most[name] = max(self.most[name], self.under_way[name])
        if receiver == "slow":
            await self.let.wait()
        await asyncio.sleep(0)
        for name in (receiver, "all"):
            self.under_way[name] -= 1
        return await super().send(delivery)


async def test_a_slow_receiver_holds_nobody_up():
    """Law: to one host only so many are under way, in all only so many, and others go on."""
    pace = DeliveryPace(max_at_once=6, max_per_host=3, poll_seconds=0.001)
    sender = SlowSender()
    stand = Stand(sender, pace=pace)
    await stand.store.add(*(delivery("slow", path=f"{place}") for place in range(50)))
    await stand.store.add(*(delivery(f"r{place % 10}") for place in range(50)))
    async with stand.running():
        await stand.until(DeliveryState.DELIVERED, 50)
        assert sender.under_way["slow"] == 3
        sender.let.set()
        await stand.until(DeliveryState.DELIVERED, 100)
    assert sender.most["slow"] == 3
    assert sender.most["all"] <= 6
    assert len({sent.id for sent in sender.sent}) == len(sender.sent) == 100


async def test_a_project_whose_hosts_all_hang_holds_up_no_other():
    """Law: however many hosts it has, a project leaves a quarter of the places to others."""
    pace = DeliveryPace(max_at_once=8, max_per_host=3, poll_seconds=0.001)
    sender = SlowSender()
    stand = Stand(sender, pace=pace)
    await stand.store.add(*(delivery(f"slow{place}") for place in range(50)))
    await stand.store.add(*(delivery(f"r{place}", project="bank") for place in range(20)))
    async with stand.running():
        await stand.until(DeliveryState.DELIVERED, 20)
        assert sender.under_way["slow"] == 6
        sender.let.set()
        await stand.until(DeliveryState.DELIVERED, 70)
    assert sender.most["slow"] == 6
    assert len({sent.id for sent in sender.sent}) == len(sender.sent) == 70


class BrokenSender(FakeCallbackSender):
    """Raises what no sender should."""

    async def send(self, delivery: Delivery) -> Attempt:
        await super().send(delivery)
        raise OverflowError("t0ken")


async def test_a_fault_of_the_sender_is_an_attempt_like_any_other(caplog):
    """Law: what fails as nobody thought of goes through the schedule, too, and comes to an end."""
    stand, made = Stand(BrokenSender()), delivery()
    await stand.store.add(made)
    async with stand.running():
        for attempts in range(1, MAX_ATTEMPTS):
            expected = retry_at(attempts, stand.clock.now)
            await eventually(lambda at=expected: stand.store.kept[made.id].next_attempt_at == at)
            assert expected is not None
            stand.clock.now = expected
        await stand.until(DeliveryState.DEAD)
    assert [sent.id for sent in stand.sender.sent] == [made.id] * MAX_ATTEMPTS
    assert "a callback was not sent" in caplog.text
    assert "t0ken" not in caplog.text


async def test_what_nobody_lived_to_record_is_given_up_unsent(caplog):
    """Law: a callback that ends every process that sends it is sent ten times, and no more."""
    stand, deadly = Stand(), delivery()
    await stand.store.add(deadly)
    for attempts in range(MAX_ATTEMPTS):  # by those who died
        at = NOON + timedelta(seconds=30 * attempts)
        (leased,) = await stand.store.lease(at, limit=1, per_host=1, per_project=1, seconds=30)
    assert leased.attempt_count == MAX_ATTEMPTS
    stand.clock.now = NOON + timedelta(hours=1)
    async with stand.running():
        await stand.until(DeliveryState.DEAD)
    assert stand.sender.sent == []
    assert stand.telemetry.attempts == []
    assert stand.store.kept[deadly.id].last_error == "attempt_lost"
    assert await stand.store.disabled_receivers() == []
    assert "a callback was given up unrecorded" in caplog.text


async def test_an_attempt_that_was_never_recorded_is_made_again_under_its_id():
    """Law: what a dead process may have sent is sent again once its lease ran out."""
    stand, made = Stand(), delivery()
    await stand.store.add(made)
    await stand.store.lease(NOON, limit=1, per_host=1, per_project=1, seconds=30)  # by who died
    async with stand.running():
        await stand.store.add(delivery("other"))
        await stand.until(DeliveryState.DELIVERED)
        assert made.id not in {sent.id for sent in stand.sender.sent}
        stand.clock.now = NOON + timedelta(seconds=30)
        await stand.until(DeliveryState.DELIVERED, 2)
    (again,) = (sent for sent in stand.sender.sent if sent.id == made.id)
    assert again.attempt_count == 2


class BrokenStore(FakeDeliveryStore):
    """Fails as storage does: two leases, then the first recording."""

    def __init__(self) -> None:
        super().__init__()
        self.leases_to_fail = 2
        self.failed_to_record = False

    async def lease(self, at: datetime, **bounds: object) -> Sequence[Delivery]:
        if self.leases_to_fail:
            self.leases_to_fail -= 1
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "gone")
        return await super().lease(at, **bounds)

    async def delivered(self, delivery: Delivery, attempt: Attempt, at: datetime) -> None:
        if not self.failed_to_record:
            self.failed_to_record = True
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "gone")
        await super().delivered(delivery, attempt, at)


async def test_storage_that_is_down_loses_nothing(caplog):
    """Law: without the storage nothing is sent; with it everything is, the unrecorded again."""
    stand = Stand(store=BrokenStore())
    made = delivery()
    await stand.store.add(made)
    async with stand.running():
        await eventually(lambda: stand.store.failed_to_record)
        stand.clock.now = NOON + timedelta(seconds=30)
        await stand.until(DeliveryState.DELIVERED)
    assert [sent.id for sent in stand.sender.sent] == [made.id, made.id]
    assert [entry.message for entry in caplog.records] == [
        "callbacks can't be sent",
        "a callback's attempt can't be recorded",
    ]


async def test_what_cant_be_unsealed_is_not_sent():
    """Law: without its address a callback waits for its key, and says so."""
    stand = Stand()
    lost = Delivery("msg_x", "shop", "content.decided", "", b"{}", "", NOON, receiver_id="r" * 32)
    await stand.store.add(lost)
    async with stand.running():
        await eventually(lambda: bool(stand.store.kept[lost.id].last_error))
    assert stand.sender.sent == []
    assert stand.store.kept[lost.id].last_error == "sealed_with_another_key"
    assert stand.telemetry.attempts == [AttemptOutcome.UNREADABLE]


async def test_stopping_ends_what_is_under_way():
    """Law: an attempt that has begun is recorded before the loop ends, and none begins after."""
    sender = SlowSender()
    stand = Stand(sender)
    await stand.store.add(delivery("slow"))
    async with stand.running():
        await eventually(lambda: bool(sender.under_way["slow"]))
        asyncio.get_running_loop().call_soon(sender.let.set)
    assert (await stand.store.counts()).waiting == 0


async def test_old_ones_are_erased_and_all_are_counted():
    """Law: retention and gauges are kept by whoever delivers."""
    stand = Stand()
    old = delivery(at=NOON - timedelta(days=20))
    await stand.store.add(old)
    (leased,) = await stand.store.lease(
        old.created_at, limit=1, per_host=1, per_project=1, seconds=1
    )
    arrived = Attempt(AttemptOutcome.DELIVERED, 200)
    await stand.store.delivered(leased, arrived, old.created_at)
    async with stand.running():
        await eventually(lambda: bool(stand.telemetry.counts) and not stand.store.kept)


class UncountableStore(FakeDeliveryStore):
    """Counts nothing and erases nothing the first time, for reasons that nobody thought of."""

    def __init__(self) -> None:
        super().__init__()
        self.to_fail = {"counts", "erase"}

    async def counts(self) -> DeliveryCounts:
        self._fail_once("counts")
        return await super().counts()

    async def erase(self, *, before: datetime) -> int:
        self._fail_once("erase")
        return await super().erase(before=before)

    def _fail_once(self, name: str) -> None:
        if name in self.to_fail:
            self.to_fail.remove(name)
            raise OverflowError("t0ken")


async def test_a_fault_ends_neither_counting_nor_erasing(monkeypatch, caplog):
    """Law: what keeps the callbacks outlives any failure, says each, and tries again."""
    monkeypatch.setattr("gaveld.application.deliver_callbacks.COUNT_EVERY_SECONDS", 0.001)
    stand, old = Stand(store=UncountableStore()), delivery(at=NOON - timedelta(days=20))
    await stand.store.add(old)
    await stand.store.disable_receiver("shop", old.receiver_id, old.created_at, Disabled.GONE)
    async with stand.running():
        await eventually(lambda: bool(stand.telemetry.counts) and not stand.store.kept)
    failures = [entry for entry in caplog.records if entry.message == "callbacks were not kept"]
    assert [entry.task for entry in failures] == ["_count", "_erase"]
    assert "t0ken" not in caplog.text

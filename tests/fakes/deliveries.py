"""Callbacks kept in memory, a sender that does as it is told, and telemetry that remembers."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from gaveld.application.ports import Attempt, DeliveryCounts, StripWords
from gaveld.domain.deliveries import (
    AttemptOutcome,
    Delivery,
    DeliveryState,
    Disabled,
    Receiver,
)


class FakeDeliveryStore:
    """A ``DeliveryStore`` over dictionaries; it counts how often it was asked for what is due."""

    def __init__(self) -> None:
        self.lease_count = 0
        self.kept: dict[str, Delivery] = {}
        self.settled: dict[str, datetime] = {}
        self.paused: dict[str, datetime] = {}
        self.receivers: dict[str, Receiver] = {}
        self._added = asyncio.Event()

    async def add(self, *deliveries: Delivery) -> None:
        """What SQL's store does as a recorder of a job's records."""
        for delivery in deliveries:
            if delivery.receiver_id in self.receivers:
                self._settle(
                    replace(delivery, last_error="receiver_disabled"),
                    DeliveryState.DEAD,
                    delivery.created_at,
                )
            else:
                self.kept[delivery.id] = replace(delivery, next_attempt_at=delivery.created_at)
        self._added.set()

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
        self._added.clear()

    async def lease(
        self,
        at: datetime,
        *,
        limit: int,
        per_host: int,
        per_project: int,
        seconds: float,
        but_not_hosts: Collection[str] = (),
        but_not_projects: Collection[str] = (),
    ) -> Sequence[Delivery]:
        self.lease_count += 1
        taken, of = [], Counter()
        due = (kept for kept in self.kept.values() if kept.state is DeliveryState.WAITING)
        for kept in sorted(due, key=lambda kept: (kept.next_attempt_at, kept.id)):
            receiver = kept.receiver_id
            is_paused = receiver in self.paused and self.paused[receiver] > at
            if kept.next_attempt_at > at or is_paused or kept.host_id in but_not_hosts:
                continue
            if kept.project in but_not_projects or of[kept.project] >= per_project:
                continue
            if len(taken) < limit and of[kept.host_id] < per_host:
                of.update((kept.host_id, kept.project))
                taken.append(
                    replace(
                        kept,
                        attempt_count=kept.attempt_count + 1,
                        next_attempt_at=at + timedelta(seconds=seconds),
                    )
                )
        self.kept |= {delivery.id: delivery for delivery in taken}
        return sorted(taken, key=lambda delivery: (delivery.created_at, delivery.id))

    async def delivered(self, delivery: Delivery, attempt: Attempt, at: datetime) -> None:
        kept = replace(
            self.kept[delivery.id],
            body=b"",
            actor_id="",
            words_until=None,
            last_status=attempt.status,
            last_error="",
        )
        self._settle(kept, DeliveryState.DELIVERED, at)

    async def failed(
        self, delivery: Delivery, attempt: Attempt, at: datetime, *, retry_at: datetime | None
    ) -> None:
        kept = self.kept[delivery.id]
        if kept.state is not DeliveryState.WAITING or kept.attempt_count != delivery.attempt_count:
            return
        kept = replace(kept, last_status=attempt.status, last_error=attempt.error)
        if retry_at is None:
            self._settle(kept, DeliveryState.DEAD, at)
        else:
            self.kept[kept.id] = replace(kept, next_attempt_at=retry_at)

    async def has_delivered(self, receiver_id: str, since: datetime) -> bool:
        return any(
            kept.state is DeliveryState.DELIVERED
            and kept.receiver_id == receiver_id
            and self.settled[kept.id] >= since
            for kept in self.kept.values()
        )

    async def pause_receiver(self, project: str, receiver_id: str, until: datetime) -> None:
        self.paused[receiver_id] = until

    async def disable_receiver(
        self, project: str, receiver_id: str, at: datetime, why: Disabled
    ) -> bool:
        for kept in list(self.kept.values()):
            if kept.receiver_id == receiver_id and kept.state is DeliveryState.WAITING:
                self._settle(replace(kept, last_error="receiver_disabled"), DeliveryState.DEAD, at)
        if receiver_id in self.receivers:
            return False
        self.receivers[receiver_id] = Receiver(receiver_id, project, at, why)
        return True

    async def enable_receiver(self, receiver_id: str) -> bool:
        return self.receivers.pop(receiver_id, None) is not None

    async def disabled_receivers(self, *, limit: int = 100) -> Sequence[Receiver]:
        latest = sorted(self.receivers.values(), key=lambda entry: entry.disabled_at, reverse=True)
        return latest[:limit]

    async def list(
        self,
        project: str | None = None,
        *,
        state: DeliveryState | None = None,
        receiver_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        found = [
            replace(kept, body=b"", headers={}, secret="")
            for kept in self.kept.values()
            if project in (None, kept.project)
            and state in (None, kept.state)
            and receiver_id in (None, kept.receiver_id)
        ]
        return sorted(found, key=lambda kept: kept.created_at, reverse=True)[:limit]

    async def resend(self, delivery_id: str, at: datetime) -> Delivery | None:
        kept = self.kept.get(delivery_id)
        if kept is None or kept.state is not DeliveryState.DEAD:
            return None
        kept = replace(kept, state=DeliveryState.WAITING, attempt_count=0, next_attempt_at=at)
        self.kept[kept.id] = kept
        self.settled.pop(kept.id)
        self._added.set()
        return replace(kept, body=b"", headers={}, secret="")

    async def counts(self) -> DeliveryCounts:
        states = Counter(kept.state for kept in self.kept.values())
        waiting = (kept for kept in self.kept.values() if kept.state is DeliveryState.WAITING)
        return DeliveryCounts(
            states[DeliveryState.WAITING],
            states[DeliveryState.DEAD],
            len(self.receivers),
            min((kept.created_at for kept in waiting), default=None),
        )

    async def erase_words(self, now: datetime, strip: StripWords) -> int:
        over = [
            kept
            for kept in self.kept.values()
            if kept.words_until is not None and kept.words_until <= now
        ]
        for kept in over:
            try:
                body = strip(kept.body)
            except ValueError:
                body = b""
            self.kept[kept.id] = replace(kept, body=body, words_until=None)
        return len(over)

    async def erase(self, *, before: datetime) -> int:
        old = [key for key, at in self.settled.items() if at < before]
        for key in old:
            del self.settled[key], self.kept[key]
        told = {kept.receiver_id for kept in self.kept.values()}
        for receiver in list(self.receivers.values()):
            if receiver.disabled_at < before and receiver.id not in told:
                del self.receivers[receiver.id]
        return len(old)

    def _settle(self, delivery: Delivery, state: DeliveryState, at: datetime) -> None:
        self.kept[delivery.id] = replace(delivery, state=state, next_attempt_at=None)
        self.settled[delivery.id] = at


class FakeCallbackSender:
    """A ``CallbackSender`` whose attempts come out as told, in order; then all are delivered."""

    def __init__(self, outcomes: Iterable[Attempt] = ()) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Delivery] = []

    async def send(self, delivery: Delivery) -> Attempt:
        self.sent.append(delivery)
        if self.outcomes:
            return self.outcomes.pop(0)
        return Attempt(AttemptOutcome.DELIVERED, 204)


class FakeCallbackTelemetry:
    """A ``CallbackTelemetry`` that keeps every report, in order."""

    def __init__(self) -> None:
        self.attempts: list[AttemptOutcome] = []
        self.disabled: list[Disabled] = []
        self.counts: list[DeliveryCounts] = []

    def attempt_made(self, outcome: AttemptOutcome, seconds: float) -> None:
        self.attempts.append(outcome)

    def receiver_disabled(self, why: Disabled) -> None:
        self.disabled.append(why)

    def counted(self, counts: DeliveryCounts, at: datetime) -> None:
        self.counts.append(counts)

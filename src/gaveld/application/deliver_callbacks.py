"""Sends the callbacks that wait, again where it failed, and gives up receivers that are gone.

What a callback says and how it is signed are not its business. A process that dies between
sending and recording leaves a callback that is sent again, under the same id.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gaveld.application.failures import place_of
from gaveld.application.ports import (
    Attempt,
    CallbackSender,
    CallbackTelemetry,
    DeliveryStore,
)
from gaveld.domain.deliveries import (
    MAX_ATTEMPTS,
    MAX_RETRY_AFTER_SECONDS,
    SCHEDULE,
    AttemptOutcome,
    Delivery,
    Disabled,
    retry_at,
)
from gaveld.domain.errors import Unavailable

COUNT_EVERY_SECONDS: Final = 10.0
ERASE_EVERY_SECONDS: Final = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryPace:
    """How much is sent at once from this process, and how patiently.

    ``lease_seconds`` must be longer than one attempt takes, its recording included.
    """

    max_at_once: int = 64
    max_per_host: int = 8
    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    keep_days: float = 14.0

    @property
    def max_per_project(self) -> int:
        """How many of one project at most: a quarter of the places is left to all others."""
        return max(1, self.max_at_once - max(1, self.max_at_once // 4))


class DeliverCallbacks:
    """Delivers what ``store`` has. ``run`` goes on until ``stop``; several processes may run it."""

    def __init__(
        self,
        store: DeliveryStore,
        sender: CallbackSender,
        telemetry: CallbackTelemetry,
        pace: DeliveryPace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._sender = sender
        self._telemetry = telemetry
        self._pace = pace or DeliveryPace()
        self._now = now
        self._sending: set[asyncio.Task[None]] = set()
        self._per_host: Counter[str] = Counter()
        self._per_project: Counter[str] = Counter()
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._reaches_store = True

    async def run(self) -> None:
        """Deliver until ``stop``, then end the attempts that are under way; no lasting failure."""
        keeping = asyncio.create_task(self._keep())
        try:
            while not self._stopping.is_set():
                if not await self._take():
                    await self._rest()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, *self._sending, return_exceptions=True)

    def stop(self) -> None:
        """Lease no more; ``run`` returns when what is being sent has an end."""
        self._stopping.set()
        self._freed.set()

    async def _take(self) -> bool:
        """Begin to send what is due; whether more of it may be had at once."""
        pace = self._pace
        free = pace.max_at_once - len(self._sending)
        if free <= 0:
            return False
        per_host, full_hosts = _room(self._per_host, pace.max_per_host)
        per_project, full_projects = _room(self._per_project, pace.max_per_project)
        try:
            leased = await self._store.lease(
                self._now(),
                limit=free,
                per_host=per_host,
                per_project=per_project,
                seconds=pace.lease_seconds,
                but_not_hosts=full_hosts,
                but_not_projects=full_projects,
            )
        except Unavailable as error:
            self._store_is(error)
            return False
        self._store_is(None)
        for delivery in leased:
            self._start(delivery)
        of_hosts = Counter(delivery.host_id for delivery in leased)
        of_projects = Counter(delivery.project for delivery in leased)
        return (
            len(leased) == free
            or per_host in of_hosts.values()
            or per_project in of_projects.values()
        )

    def _store_is(self, failure: Unavailable | None) -> None:
        """Log that the store is out of reach, or back, once each time."""
        if self._reaches_store == (failure is None):
            return
        self._reaches_store = failure is None
        if failure is None:
            _log.info("callbacks can be sent again")
        else:
            cause = failure.__cause__ or failure
            _log.error("callbacks can't be sent", extra={"cause": place_of(cause)})

    def _start(self, delivery: Delivery) -> None:
        self._per_host[delivery.host_id] += 1
        self._per_project[delivery.project] += 1
        task = asyncio.create_task(self._deliver(delivery))
        self._sending.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, delivery))

    def _ended(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        self._sending.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            _log.error("a callback was not recorded", extra={"cause": place_of(failure)})
        # Nothing else is looked for before its time unless somebody may be waiting for this place.
        if (
            len(self._sending) + 1 >= self._pace.max_at_once
            or self._per_host[delivery.host_id] >= self._pace.max_per_host
            or self._per_project[delivery.project] >= self._pace.max_per_project
        ):
            self._freed.set()
        self._per_host -= Counter((delivery.host_id,))  # which drops those that have none left
        self._per_project -= Counter((delivery.project,))

    async def _rest(self) -> None:
        """Wait for new callbacks, a free place, or the time to look for what is due."""
        waits = {
            asyncio.create_task(self._store.wait(self._pace.poll_seconds)),
            asyncio.create_task(self._freed.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._freed.clear()
            for wait in waits:
                wait.cancel()

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            if delivery.attempt_count > MAX_ATTEMPTS:
                await self._give_up(delivery)
                return
            begun = time.monotonic()
            attempt = await self._attempt(delivery)
            self._telemetry.attempt_made(attempt.outcome, time.monotonic() - begun)
            await self._record(delivery, attempt)
        except Unavailable as error:
            # Its lease runs out, and it is sent again under the same id.
            _log.warning(
                "a callback's attempt can't be recorded",
                extra={"callback": delivery.id, "cause": place_of(error)},
            )

    async def _attempt(self, delivery: Delivery) -> Attempt:
        if not delivery.url:
            return Attempt(AttemptOutcome.UNREADABLE, error="sealed_with_another_key")
        try:
            return await self._sender.send(delivery)
        except Exception as failure:  # noqa: BLE001 (unrecorded, it would be tried without end)
            _log.error("a callback was not sent", extra={"cause": place_of(failure)})
            return Attempt(AttemptOutcome.FAILED, error="sender_failed")

    async def _give_up(self, delivery: Delivery) -> None:
        """End one whose last attempt nobody recorded: perhaps each process that made it died of it.

        What the receiver has to do with it is not known, so that it is not disabled.
        """
        lost = Attempt(AttemptOutcome.FAILED, error="attempt_lost")
        await self._store.failed(delivery, lost, self._now(), retry_at=None)
        _log.error("a callback was given up unrecorded", extra={"callback": delivery.id})

    async def _record(self, delivery: Delivery, attempt: Attempt) -> None:
        at = self._now()
        if attempt.outcome is AttemptOutcome.DELIVERED:
            await self._store.delivered(delivery, attempt, at)
            return
        if attempt.outcome is AttemptOutcome.GONE:
            await self._store.failed(delivery, attempt, at, retry_at=None)
            await self._disable(delivery, at, Disabled.GONE)
            return
        asked = attempt.retry_after_seconds
        again = retry_at(delivery.attempt_count, at, asked)
        await self._store.failed(delivery, attempt, at, retry_at=again)
        if again is None:
            # One callback that a receiver can't take is no reason to keep all others from it, nor
            # is one whose attempts were lost here.
            was_asked = at - delivery.created_at >= SCHEDULE
            if was_asked and not await self._store.has_delivered(
                delivery.receiver_id, delivery.created_at
            ):
                await self._disable(delivery, at, Disabled.EXHAUSTED)
        elif asked:
            until = at + timedelta(seconds=min(asked, MAX_RETRY_AFTER_SECONDS))
            await self._store.pause_receiver(delivery.project, delivery.receiver_id, until)

    async def _disable(self, delivery: Delivery, at: datetime, why: Disabled) -> None:
        if await self._store.disable_receiver(delivery.project, delivery.receiver_id, at, why):
            self._telemetry.receiver_disabled(why)
            _log.warning(
                "callback receiver disabled",
                extra={
                    "receiver": delivery.receiver_id,
                    "project": delivery.project,
                    "why": why.value,
                },
            )

    async def _keep(self) -> None:
        """Count what there is, and erase what is old, from time to time."""
        erased = -math.inf
        while True:
            await self._is_done(self._count)
            is_time = time.monotonic() - erased >= ERASE_EVERY_SECONDS
            if is_time and await self._is_done(self._erase):
                erased = time.monotonic()
            await asyncio.sleep(COUNT_EVERY_SECONDS)

    async def _count(self) -> None:
        self._telemetry.counted(await self._store.counts(), self._now())

    async def _erase(self) -> None:
        await self._store.erase(before=self._now() - timedelta(days=self._pace.keep_days))

    async def _is_done(self, chore: Callable[[], Awaitable[None]]) -> bool:
        try:
            await chore()
        except Unavailable:
            return False  # what leases them says so
        except Exception as failure:  # noqa: BLE001 (the next time tries it again)
            name = getattr(chore, "__name__", "")
            _log.error("callbacks were not kept", extra={"task": name, "cause": place_of(failure)})
            return False
        return True


def _room(under_way: Counter[str], places: int) -> tuple[int, Collection[str]]:
    """Return how many more all may have who may have any, and those who may have none."""
    full = {entry for entry, count in under_way.items() if count >= places}
    most = max((count for entry, count in under_way.items() if entry not in full), default=0)
    return places - most, full

"""Ports of callbacks: where they are kept until delivered, what sends them, and what counts it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.application.ports.jobs import StripWords
from gaveld.domain.deliveries import (
    AttemptOutcome,
    Delivery,
    DeliveryState,
    Disabled,
    Receiver,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt to deliver.

    ``status`` is the HTTP status, 0 for none; ``error`` says in a word why there is none.
    ``retry_after_seconds`` is what the receiver asked for, None for nothing.
    """

    outcome: AttemptOutcome
    status: int = 0
    error: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How callbacks stand. ``oldest_at`` is when the oldest that waits was made; None for none."""

    waiting: int = 0
    dead: int = 0
    disabled_receivers: int = 0
    oldest_at: datetime | None = None


class CallbackSender(Protocol):
    """Sends callbacks, signed, to hosts that may be reached alone, and follows no redirect."""

    async def send(self, delivery: Delivery) -> Attempt:
        """Send once and say what came of it, in bounded time. Never raises for what happens."""
        ...


class DeliveryStore(Protocol):
    """Keeps callbacks durably until they are delivered or given up; addresses and secrets sealed.

    They are added with the records of a job, and those for a disabled receiver as dead. Attempts
    are counted as they begin, and that count is a lease's token: who was overtaken by another
    attempt changes nothing any more, but for saying that it was delivered. Every method raises
    ``Unavailable`` (STORAGE_UNAVAILABLE) when they can't be reached.
    """

    async def wait(self, seconds: float) -> None:
        """Return as soon as callbacks were added through this store, or after so long."""
        ...

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
        """Take up to ``limit`` callbacks that are due, the longest due first, and count an attempt.

        Nobody else is given them for so many seconds. Of one host no more than ``per_host`` are
        taken, whatever the receivers on it, of one project no more than ``per_project``, and none
        of the hosts and projects that are named, or of receivers that are paused. One whose
        secrets can't be opened has an empty ``url``.
        """
        ...

    async def delivered(self, delivery: Delivery, attempt: Attempt, at: datetime) -> None:
        """Mark it delivered, erase its body, and forget whom it told of."""
        ...

    async def failed(
        self, delivery: Delivery, attempt: Attempt, at: datetime, *, retry_at: datetime | None
    ) -> None:
        """Try again then, or with None give it up."""
        ...

    async def has_delivered(self, receiver_id: str, since: datetime) -> bool:
        """Whether anything was delivered to a receiver since then."""
        ...

    async def pause_receiver(self, project: str, receiver_id: str, until: datetime) -> None:
        """Lease nothing of a receiver until then."""
        ...

    async def disable_receiver(
        self, project: str, receiver_id: str, at: datetime, why: Disabled
    ) -> bool:
        """Send a receiver no more, and give up all that waits for it; False if it was so."""
        ...

    async def enable_receiver(self, receiver_id: str) -> bool:
        """Send to a receiver again what comes from now on; False if it was not disabled."""
        ...

    async def disabled_receivers(self, *, limit: int = 100) -> Sequence[Receiver]:
        """Return receivers that are disabled, the latest first."""
        ...

    async def list(
        self,
        project: str | None = None,
        *,
        state: DeliveryState | None = None,
        receiver_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Return callbacks, newest first, without bodies, headers and secrets."""
        ...

    async def resend(self, delivery_id: str, at: datetime) -> Delivery | None:
        """Let a dead one be tried anew under its own id; None if there is no such dead one."""
        ...

    async def counts(self) -> DeliveryCounts:
        """Return how they stand."""
        ...

    async def erase_words(self, now: datetime, strip: StripWords) -> int:
        """Take the words out of all bodies whose time for them is over; return of how many.

        Nothing is left of a body from which ``strip`` can't take them.
        """
        ...

    async def erase(self, *, before: datetime) -> int:
        """Erase those that were delivered or given up before then; return how many.

        Receivers that were disabled before then are forgotten where no callback of theirs is left.
        """
        ...


class CallbackTelemetry(Protocol):
    """Counts what becomes of callbacks. Never raises, never blocks, never sees an address."""

    def attempt_made(self, outcome: AttemptOutcome, seconds: float) -> None:
        """Record one attempt."""
        ...

    def receiver_disabled(self, why: Disabled) -> None:
        """Record that a receiver is sent no more."""
        ...

    def counted(self, counts: DeliveryCounts, at: datetime) -> None:
        """Record how callbacks stand at a time."""
        ...

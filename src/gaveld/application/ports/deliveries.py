"""Ports of callbacks: where they are kept until delivered, and what sends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.domain.deliveries import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt to deliver.

    ``status`` is the HTTP status, 0 for none; ``error`` says in a few words why there is none.
    ``retry_after_seconds`` is what the receiver asked for, None for nothing.
    """

    status: int
    error: str = ""
    retry_after_seconds: float | None = None


class CallbackSender(Protocol):
    """Sends callbacks, signed, to public addresses alone, and follows no redirect."""

    async def send(
        self, delivery: Delivery, internal_hosts: frozenset[str] = frozenset()
    ) -> Attempt:
        """Send once and say what came of it. Never raises for what a receiver does.

        ``internal_hosts`` may lie in the operator's own network.
        """
        ...


class DeliveryStore(Protocol):
    """Keeps callbacks durably until they are delivered or given up; headers and secrets sealed.

    They are added with the records of a job. Raises ``Unavailable`` (STORAGE_UNAVAILABLE).
    """

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Delivery]:
        """Take callbacks that are due, and count an attempt; no receiver's flood stops others."""
        ...

    async def delivered(self, delivery: Delivery, attempt: Attempt, at: datetime) -> None:
        """Mark it delivered and erase its body."""
        ...

    async def failed(
        self, delivery: Delivery, attempt: Attempt, *, retry_at: datetime | None
    ) -> None:
        """Try again then, or with None give it up."""
        ...

    async def disable_receiver(self, project: str, url: str, at: datetime) -> None:
        """Send a receiver no more, and give up all that waits for it."""
        ...

    async def enable_receiver(self, project: str, url: str) -> bool:
        """Send to a receiver again; False if it was not disabled."""
        ...

    async def list(
        self, project: str | None = None, *, state: DeliveryState | None = None, limit: int = 100
    ) -> Sequence[Delivery]:
        """Return callbacks, newest first, without bodies and secrets."""
        ...

    async def resend(self, delivery_id: str) -> Delivery | None:
        """Let a dead one be tried anew under its own id; None if there is no such dead one."""
        ...

"""Ports of who may call, how often, and what they have left to spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``calls`` in any ``per_seconds``."""

    calls: int
    per_seconds: int = 60


class Period(StrEnum):
    """What a quota is for, by the calendar in UTC."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``calls`` in each ``period``."""

    calls: int
    period: Period

    def __str__(self) -> str:
        """Return it as ``100000/day``."""
        return f"{self.calls}/{self.period}"

    def now(self, seconds: float) -> tuple[str, float]:
        """Return the period's name, such as ``2026-11-22`` or ``2026-11``, and how long it lasts.

        ``seconds`` are since 1970, and so many are left of the period, more than 0.
        """
        time = datetime.fromtimestamp(seconds, UTC)
        first = time.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.period is Period.DAY:
            return f"{first:%Y-%m-%d}", (first + timedelta(days=1) - time).total_seconds()
        first = first.replace(day=1)
        end = (first + timedelta(days=31)).replace(day=1)
        return f"{first:%Y-%m}", (end - time).total_seconds()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's key as it is kept: the secret itself is never stored, only its SHA-256.

    ``id`` is public and finds the key. ``client_id`` is the organisation's name for dialects
    that send one beside the secret. ``scopes`` are names such as ``moderate``. Times are UTC.
    """

    id: str
    secret_sha256: bytes
    project: str
    client_id: str
    scopes: frozenset[str]
    created_at: datetime
    rate_limit: RateLimit | None = None
    revoked_at: datetime | None = None
    quota: Quota | None = None


class ApiKeyStore(Protocol):
    """Keeps API keys durably. A write is on disk when its call returns.

    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when keys can't be reached.
    """

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises ``ValueError`` if the id is taken."""
        ...

    async def find(self, key_id: str) -> ApiKey | None:
        """Return the key, revoked or not, or None if there is none."""
        ...

    async def list(self) -> Sequence[ApiKey]:
        """Return every key, oldest first."""
        ...

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Mark a key revoked; True if it is known. Revoking again keeps the first time."""
        ...


class Credits(Protocol):
    """Keeps each project's balance of credits durably. A project without one spends freely.

    Spending is exact however many calls spend at once: a balance never falls below zero. Raises
    ``Unavailable`` (STORAGE_UNAVAILABLE) when balances can't be reached. A balance that is set
    where there was none is seen by every server within seconds.
    """

    async def spend(self, project: str, amount: int) -> int | None:
        """Take ``amount`` from the project's balance, whole or not at all.

        Returns None if it was granted, else the balance that does not cover it.
        """
        ...

    async def refund(self, project: str, amount: int) -> None:
        """Give back what was spent. Nothing happens to a project without a balance."""
        ...

    async def put(self, project: str, balance: int | None) -> None:
        """Set a project's balance, at least 0; None lets it spend freely again."""
        ...

    async def list(self) -> Sequence[tuple[str, int]]:
        """Return every project that has a balance, by name, with it."""
        ...


class RateLimiter(Protocol):
    """Counts calls per key: over a moving window, and against quotas by the calendar."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call from the key's allowance.

        Returns 0 if it was granted, else how many seconds to wait before one may be.
        """
        ...

    async def draw(self, key: str, quota: Quota) -> float:
        """Take one call from what is left of the key's quota in this period.

        Returns 0 if it was granted, else in how many seconds the next period begins.
        """
        ...

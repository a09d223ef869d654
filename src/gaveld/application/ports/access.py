"""Ports of who may call, how often, and what they have left to spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``calls`` in any ``per_seconds``."""

    calls: int
    per_seconds: int = 60


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
    """Counts calls per key over a moving window."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call from the key's allowance.

        Returns 0 if it was granted, else how many seconds to wait before one may be.
        """
        ...

"""Ports of what was decided before: decisions to learn from, and what users did."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.domain.decision_records import Decision
from gaveld.domain.jobs import Steps
from gaveld.domain.rules import UserHistory


class DecisionStore(Protocol):
    """Keeps decisions for as long as their policy says. They are added with the records of a job.

    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when they can't be reached.
    """

    def read(
        self, project: str, *, since: datetime, until: datetime, most: int
    ) -> AsyncIterator[Decision]:
        """Yield a project's decisions, oldest first; of more than ``most`` an even sample.

        ``since`` belongs to it and ``until`` does not. Judging one again gives what judging gave:
        of its findings those are kept that no other of their part, category and classifier
        exceeds, without spans and reasons.
        """
        ...

    async def count(self, project: str, *, since: datetime, until: datetime) -> int:
        """Return how many there are."""
        ...

    async def erase_expired(self, now: datetime) -> int:
        """Erase content and decisions whose time is over; return how many rows changed."""
        ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many decisions no longer name a user, and how many pieces of content were erased."""

    decisions: int
    contents: int


class UserStore(Protocol):
    """Knows what each project's users did, in counts only; counted with the records of a job.

    Content that was blocked is a strike, and content that was not allowed a flag, unless a person
    ruled otherwise. A strike counts half as much after the half-life of the policy that decided
    last. A history is kept for as long as decisions since the last one, and 30 days at least.
    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when it can't be reached.
    """

    async def history(self, project: str, actor_id: str, now: datetime) -> UserHistory | None:
        """Return a user's history as of ``now``; None for one that was never seen."""
        ...

    async def forget(self, project: str, actor_id: str) -> Forgotten:
        """Erase a user's history, and whatever content of the user is kept anywhere."""
        ...

    async def erase_expired(self, now: datetime) -> int:
        """Erase histories and counts whose time is over; return how many rows went."""
        ...


class BacktestProgress(Protocol):
    """Knows how far backtests are that go on, here or on other servers.

    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when it can't be reached.
    """

    async def put(self, job_id: str, steps: Steps) -> None:
        """Keep how far the backtest of a job is."""
        ...

    async def find(self, job_id: str) -> Steps | None:
        """Return how far it is; None where nobody said so yet, or not for a day."""
        ...

    async def erase_expired(self, now: datetime) -> int:
        """Erase what nobody told of for a day; return how many rows went."""
        ...

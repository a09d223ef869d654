"""Which streams are open, how many there may be, and when each of them must end.

It counts and keeps the time. What a stream says when its time is up is the servicer's.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import grpc

from gaveld.transport.grpc.errors import Refusal, RefusedError

T = TypeVar("T")

FINISHING_SECONDS: Final = 60.0
"""How long a stream that is old enough may still work on the turn in progress."""
_DRAIN_SHARE: Final = 0.8
"""So much of a drain's grace is left to the turn in progress; the rest is for the answer."""


class TimeIsUpError(Exception):
    """The server ends the stream: its deadline, its greatest age, or a drain has come."""


class Lifetime:
    """How long one stream listens for more, and how long it may work on what came.

    ``due`` is when everything must be said, on the loop's clock.
    """

    def __init__(self, listens_until: float, due: float) -> None:
        self._listens_until = min(listens_until, due)
        self._due = due
        self._timer: asyncio.Timeout | None = None
        self._is_listening = False

    @property
    def due(self) -> float:
        """When everything must be said."""
        return self._due

    async def listening(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Begin to wait for something. Raises ``TimeIsUpError`` when nothing more is taken."""
        self._is_listening = True
        return await self._until_over(begin)

    async def working(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Begin to do something. Raises ``TimeIsUpError`` when it must be given up."""
        self._is_listening = False
        return await self._until_over(begin)

    def end(self, within_seconds: float) -> None:
        """Listen no longer, and have what is in progress done in so many seconds."""
        now = asyncio.get_running_loop().time()
        self._listens_until = min(self._listens_until, now)
        self._due = min(self._due, now + within_seconds)
        if self._timer is not None:
            self._timer.reschedule(self._over)

    @property
    def _over(self) -> float:
        return self._listens_until if self._is_listening else self._due

    async def _until_over(self, begin: Callable[[], Awaitable[T]]) -> T:
        if asyncio.get_running_loop().time() >= self._over:
            raise TimeIsUpError
        try:
            async with asyncio.timeout_at(self._over) as self._timer:
                return await begin()
        except TimeoutError:
            if self._timer is not None and self._timer.expired():
                raise TimeIsUpError from None
            raise
        finally:
            self._timer = None


class OpenConversations:
    """The streams that are open.

    At most ``max_open`` of them, ``max_open_per_project`` of one project, each for at most
    ``max_age_seconds``.
    """

    def __init__(self, *, max_open: int, max_open_per_project: int, max_age_seconds: float) -> None:
        self._max_open = max_open
        self._max_open_per_project = max_open_per_project
        self._max_age_seconds = max_age_seconds
        self._open: set[Lifetime] = set()
        self._of_project: Counter[str] = Counter()
        self._ends_in: float | None = None

    @contextmanager
    def opened(
        self, project: str, due_seconds: float | None, *, reserve_seconds: float = 0.0
    ) -> Iterator[Lifetime]:
        """Count a stream as open, for ``due_seconds`` at most. Raises a refusal of one too many.

        It listens no more for the last ``reserve_seconds`` of them.
        """
        if self._of_project[project] >= self._max_open_per_project:
            raise RefusedError(_too_many("The project", self._max_open_per_project))
        if len(self._open) >= self._max_open:
            raise RefusedError(_too_many("The server", self._max_open))
        now = asyncio.get_running_loop().time()
        oldest = now + self._max_age_seconds
        due = oldest + FINISHING_SECONDS
        if due_seconds is not None:
            due = min(due, now + due_seconds)
        lifetime = Lifetime(min(oldest, due - reserve_seconds), due)
        if self._ends_in is not None:
            lifetime.end(self._ends_in)
        self._open.add(lifetime)
        self._of_project[project] += 1
        try:
            yield lifetime
        finally:
            self._open.remove(lifetime)
            self._of_project[project] -= 1
            if not self._of_project[project]:
                del self._of_project[project]

    def end(self, grace_seconds: float) -> None:
        """End all streams, and those that are opened from now on, within the grace. Idempotent."""
        self._ends_in = grace_seconds * _DRAIN_SHARE
        for lifetime in self._open:
            lifetime.end(self._ends_in)


def _too_many(whose: str, limit: int) -> Refusal:
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "STREAM_LIMIT_EXCEEDED",
        f"{whose} has as many open streams as it may have.",
        {"limit": str(limit)},
        retry_after_seconds=1.0,
    )

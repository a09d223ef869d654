"""Shares work and places between callers: one fetch for all who want it, few at a host at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    callers: int = 0


class SingleFlight(Generic[K, T]):
    """Runs work once for all callers that ask for one key while it runs.

    A caller that is cancelled drops out; the work is cancelled with the last of them. Nothing is
    remembered once it has ended.
    """

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[T]] = {}

    async def run(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work()`` returns, or raise what it raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(_awaited(work)))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers:
                self._land(key, flight)
                flight.task.cancel()

    async def close(self) -> None:
        """Cancel what runs and wait for its end."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: K, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen, also where every caller has gone


class Places(Generic[K]):
    """Up to so many places for each key; who comes later waits for one."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._open: dict[K, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def taken(self, key: K) -> AsyncIterator[None]:
        """Hold one of the key's places."""
        semaphore, users = self._open.get(key, (asyncio.Semaphore(self._per_key), 0))
        self._open[key] = (semaphore, users + 1)
        try:
            async with semaphore:
                yield
        finally:
            semaphore, users = self._open.pop(key)
            if users > 1:
                self._open[key] = (semaphore, users - 1)


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()

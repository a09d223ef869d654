"""Tells the workers of this process of jobs. Those of other processes look into the storage."""

import asyncio
from collections.abc import Sequence


class LocalJobDispatcher:
    """A ``JobDispatcher`` that counts words, and hands each to one caller of one event loop."""

    def __init__(self) -> None:
        self._words = asyncio.Semaphore(0)

    async def publish(self, job_ids: Sequence[str]) -> None:
        """Tell of jobs; see ``JobDispatcher.publish``."""
        for _ in job_ids:
            self._words.release()

    async def next(self, timeout_seconds: float) -> "LocalTicket | None":
        """Return the next word; see ``JobDispatcher.next``."""
        if not self._words.locked():
            await self._words.acquire()  # at once, even where there is no time to wait
            return LocalTicket(self._words)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._words.acquire()
        except TimeoutError:
            return None
        return LocalTicket(self._words)


class LocalTicket:
    """Word of one job."""

    job_count = 1

    def __init__(self, words: asyncio.Semaphore) -> None:
        self._words = words

    async def working(self) -> None:
        """Nobody else is told of it anyway."""

    async def done(self) -> None:
        """It is forgotten already."""

    async def give_back(self, seconds: float) -> None:
        """Tell again after so long; see ``Ticket.give_back``."""
        asyncio.get_running_loop().call_later(seconds, self._words.release)

"""Tells the workers of this process of jobs. Those of other processes look into the storage."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

MOST_WORDS: Final = 1_000
"""How many words may wait: workers that have so much to do look into the storage anyway."""


class LocalJobDispatcher:
    """A ``JobDispatcher`` that hands each word to one caller of one event loop."""

    def __init__(self) -> None:
        self._words: asyncio.Queue[None] = asyncio.Queue(MOST_WORDS)

    async def publish(self, job_ids: Sequence[str]) -> None:
        """Tell of jobs; see ``JobDispatcher.publish``."""
        for _ in job_ids:
            self._tell()

    async def next(self, timeout_seconds: float) -> "LocalTicket | None":
        """Return the next word; see ``JobDispatcher.next``."""
        with contextlib.suppress(asyncio.QueueEmpty):
            self._words.get_nowait()  # at once, even where there is no time to wait
            return LocalTicket(self._tell)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._words.get()
        except TimeoutError:
            return None
        return LocalTicket(self._tell)

    def _tell(self) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._words.put_nowait(None)


class LocalTicket:
    """Word of one job."""

    job_count = 1

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    async def working(self) -> None:
        """Nobody else is told of it anyway."""

    async def done(self) -> None:
        """It is forgotten already."""

    async def give_back(self, seconds: float) -> None:
        """Tell again after so long; see ``Ticket.give_back``."""
        asyncio.get_running_loop().call_later(seconds, self._tell)

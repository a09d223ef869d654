"""Hands on what is decoded of a video, a few things at a time, and no more than are wanted."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from gaveld.domain.videos import VideoEvent

MOST_AT_ONCE: Final = 4
"""So many things are handed on together, and so many more may wait."""


class VideoInbox:
    """Takes events from one task and gives them to another."""

    def __init__(self) -> None:
        self._waiting: deque[VideoEvent] = deque()
        self._is_over = False
        self._failure: Exception | None = None
        self._changed = asyncio.Condition()

    @property
    def is_over(self) -> bool:
        """Whether everything there was has been taken."""
        return self._is_over and not self._waiting and self._failure is None

    async def fill(self, events: AsyncIterator[VideoEvent]) -> None:
        """Take events until there are no more or one fails; the failure goes to ``take``."""
        try:
            async for event in events:
                async with self._changed:
                    await self._changed.wait_for(lambda: len(self._waiting) < MOST_AT_ONCE)
                    if self._is_over:
                        return
                    self._waiting.append(event)
                    self._changed.notify_all()
        except Exception as failure:  # noqa: BLE001 - whoever takes next is told
            self._failure = self._failure or failure
        self._is_over = True
        async with self._changed:
            self._changed.notify_all()

    async def fail(self, failure: Exception) -> None:
        """Have ``take`` raise this, whatever waits."""
        self._waiting.clear()
        self._failure = failure
        self._is_over = True
        async with self._changed:
            self._changed.notify_all()

    async def take(self) -> list[VideoEvent] | None:
        """Return what waits; None at the end. Raises what ended the events, after the others."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._is_over)
            if self._waiting:
                taken = list(self._waiting)
                self._waiting.clear()
                self._changed.notify_all()
                return taken
        if self._failure is not None:
            raise self._failure
        return None

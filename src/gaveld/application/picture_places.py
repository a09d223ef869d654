"""Bounds how many pictures are looked at together, so that calls about texts keep their share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gaveld.application.ports import Telemetry
from gaveld.domain.errors import ErrorReason, ResourceExhausted

RETRY_AFTER_SECONDS: Final = 1.0


class PicturePlaces:
    """Places for ``at_once`` pictures and a line of ``waiting`` more.

    Whoever finds the line full, or has waited for ``max_wait_seconds``, is turned away.
    """

    def __init__(
        self, at_once: int, waiting: int, max_wait_seconds: float, telemetry: Telemetry
    ) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._line = waiting
        self._max_wait_seconds = max_wait_seconds
        self._telemetry = telemetry
        self._waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place. Raises ``ResourceExhausted`` (SERVER_OVERLOADED) if there is none."""
        if self._places.locked() and self._waiting >= self._line:
            raise self._overloaded()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    def _overloaded(self) -> ResourceExhausted:
        self._telemetry.picture_turned_away()
        return ResourceExhausted(
            ErrorReason.SERVER_OVERLOADED,
            "Too many pictures are being looked at.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )

"""Waits where a server is too busy, for those whose API says that it never turns anybody away.

It repeats what a repeat may mend, in the server's own time, and no longer than the caller waits. It
is for calls that change nothing, so that one done twice does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from google.rpc import code_pb2

from gaveld.transport.rest.failures import RpcFailure, refusal

T = TypeVar("T")

_PASSING: Final = frozenset(
    {
        "SERVER_OVERLOADED",
        "RATE_LIMIT_EXCEEDED",
        "TARGET_UNREACHABLE",
        "SERVER_NOT_READY",
        "SERVER_DRAINING",
    }
)
_LONGEST_STRETCH: Final = 8


class Patience:
    """Calls again what was turned away for a reason that passes.

    ``max_wait_seconds`` is how long a call may wait in all, or its caller's timeout if that is
    sooner; ``max_waiting`` how many calls may wait at once: the next is turned away like any other.
    ``pause`` is how time is let pass.
    """

    def __init__(
        self,
        max_wait_seconds: float = 30.0,
        max_waiting: int = 1_024,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._max_wait_seconds = max_wait_seconds
        self._max_waiting = max_waiting
        self._pause = pause
        self._waiting = 0

    async def call(self, attempt: Callable[[], Awaitable[T]], timeout_seconds: float | None) -> T:
        """Return what ``attempt`` does. ``timeout_seconds`` is how long the caller waits, if known.

        Between attempts is the time that the server asks for, doubled each time up to eightfold, so
        that those who wait longest do not crowd it. Raises the last ``RpcFailure`` where waiting
        does not help, and DEADLINE_EXCEEDED when the caller's time runs out.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._called(attempt, timeout_seconds)
        except TimeoutError:
            raise refusal(
                code_pb2.DEADLINE_EXCEEDED,
                "DEADLINE_EXCEEDED",
                "The call's time ran out; the work was stopped.",
            ) from None

    async def _called(
        self, attempt: Callable[[], Awaitable[T]], timeout_seconds: float | None
    ) -> T:
        left, stretch = self._max_wait_seconds, 1
        if timeout_seconds is not None:
            left = min(left, timeout_seconds)
        while True:
            try:
                return await attempt()
            except RpcFailure as failure:
                seconds = (failure.retry_after_seconds or 0.0) * stretch
                may_wait = 0.0 < seconds <= left and self._waiting < self._max_waiting
                if failure.reason not in _PASSING or not may_wait:
                    raise
            left -= seconds
            stretch = min(2 * stretch, _LONGEST_STRETCH)
            self._waiting += 1
            try:
                await self._pause(seconds)
            finally:
                self._waiting -= 1

"""Keeps the server from taking on more than it can finish: a few calls wait, the rest is shed.

Shedding happens before a key is looked up or a rule is checked, because a call that is turned
away must cost next to nothing just when there is least to spare.
"""

import asyncio
import itertools
from collections import deque
from typing import Final

import grpc

from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class Admission(Interceptor):
    """Grants places to calls, first come first served. Open methods need none.

    ``max_concurrent_calls`` are served at once; ``max_waiting_calls`` more wait, each for at most
    ``max_wait_seconds``; a call beyond those is turned away at once. Nobody is admitted until
    ``open`` is called, when the models are loaded and warm.
    """

    def __init__(
        self, *, max_concurrent_calls: int, max_waiting_calls: int, max_wait_seconds: float
    ) -> None:
        self._max_concurrent_calls = max_concurrent_calls
        self._max_waiting_calls = max_waiting_calls
        self._max_wait_seconds = max_wait_seconds
        self._is_open = False
        self._running = 0
        self._line: deque[asyncio.Future[None]] = deque()

    def open(self) -> None:
        """Admit calls from now on."""
        self._is_open = True

    async def before(self, call: Call) -> None:
        """Take a place, waiting for one a little. Raises a refusal when there is none in time."""
        if call.method.scope is None:
            return
        if not self._is_open:
            raise RefusedError(_NOT_READY)
        if self._running < self._max_concurrent_calls and not self._line:
            self._running += 1
            return
        if len(self._line) >= self._max_waiting_calls:
            raise RefusedError(next(_OVERLOADED))
        await self._wait()

    def after(self, call: Call) -> None:
        """Give the place to whoever waits longest, if anyone does."""
        if call.method.scope is None:
            return
        self._give_up_place()

    async def _wait(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await place
        except BaseException as error:
            if place.cancelled():
                self._forget(place)
            else:
                self._give_up_place()  # granted in the very moment the wait was over
            if isinstance(error, TimeoutError):
                raise RefusedError(next(_OVERLOADED)) from None
            raise

    def _give_up_place(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1

    def _forget(self, place: asyncio.Future[None]) -> None:
        if place in self._line:
            self._line.remove(place)


_OVERLOADED: Final = itertools.cycle(
    Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "SERVER_OVERLOADED",
        "The server has as much work as it can finish in time.",
        retry_after_seconds=0.2 + 0.02 * step,
    )
    for step in range(16)
)
"""They take turns, so that calls turned away together do not come back together."""

_NOT_READY: Final = Refusal(
    grpc.StatusCode.UNAVAILABLE,
    "SERVER_NOT_READY",
    "The server is still loading its models.",
    retry_after_seconds=1.0,
)

"""Keeps the server from taking on more than it can finish: a few calls wait, the rest is shed.

Shedding happens before a key is looked up or a rule is checked, because a call that is turned
away must cost next to nothing just when there is least to spare.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import grpc

from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.backlog import Backlog
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class Admission(Interceptor):
    """Grants places to calls, first come first served. Open methods, such as probes, need none.

    ``max_concurrent_calls`` are served at once; ``max_waiting_calls`` more wait, each for at most
    ``max_wait_seconds``; a call beyond those is turned away at once. So is one whose message,
    with those of all that are served or wait, would come to more than ``max_bytes_in_flight``;
    alone, a message of any size gets in. Nobody is admitted until ``open`` is called, when the
    models are loaded and warm.

    A stream takes a place like any call while it is opened, gives it back (``vacate``), and then
    takes a ``place`` for each piece of work, so that idle streams keep nobody out. A call that only
    waits gives its place back too.
    """

    def __init__(
        self,
        *,
        max_concurrent_calls: int,
        max_waiting_calls: int,
        max_wait_seconds: float,
        max_bytes_in_flight: int,
    ) -> None:
        self._max_concurrent_calls = max_concurrent_calls
        self._max_waiting_calls = max_waiting_calls
        self._max_wait_seconds = max_wait_seconds
        self._max_bytes_in_flight = max_bytes_in_flight
        self._bytes_in_flight = 0
        self._is_open = False
        self._backlog = Backlog()
        self._standing_aside = 0
        self._running = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._vacated: set[int] = set()

    def open(self) -> None:
        """Admit calls from now on."""
        self._is_open = True
        self._backlog.watch()

    def close(self) -> None:
        """Let go of the loop; calls that still come are admitted as before. Idempotent."""
        self._backlog.stop()

    def is_full(self) -> bool:
        """Whether a call that came now would be turned away at once, however small it is."""
        taken = self._running + len(self._line) + self._standing_aside
        return (
            taken >= self._max_concurrent_calls + self._max_waiting_calls
            or self._bytes_in_flight >= self._max_bytes_in_flight
        )

    def turn_away(self, size_bytes: int) -> Refusal | None:
        """Return the refusal of a call with a message of this size, None if there is room."""
        held = self._bytes_in_flight
        if held == 0 or held + size_bytes <= self._max_bytes_in_flight:
            return None
        return next(_OVERLOADED)

    async def before(self, call: Call) -> None:
        """Take a place, waiting for one a little. Raises a refusal when there is none in time."""
        if call.method.scope is None:
            return
        if not self._is_open:
            raise RefusedError(_NOT_READY)
        self._backlog.arrived()
        size_bytes = _size_bytes(call)
        if self.is_full():
            raise overloaded()
        if refusal := self.turn_away(size_bytes):
            raise RefusedError(refusal)
        self._bytes_in_flight += size_bytes
        try:
            await self._take_place()
        except BaseException:
            self._bytes_in_flight -= size_bytes
            raise
        call.vacate = partial(self.vacate, call)

    def after(self, call: Call) -> None:
        """Give the place to whoever waits longest, if anyone does."""
        if call.method.scope is None:
            return
        if id(call) in self._vacated:
            self._vacated.remove(id(call))
            return
        self._bytes_in_flight -= _size_bytes(call)
        self._give_up_place()

    def vacate(self, call: Call) -> None:
        """Give the place of a call back before the call ends. Once for each call."""
        self._vacated.add(id(call))
        self._bytes_in_flight -= _size_bytes(call)
        self._give_up_place()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place, for a piece of a call that vacated its own. Raises as ``before`` does."""
        self._backlog.arrived()
        if self.is_full():
            raise overloaded()
        await self._take_place()
        try:
            yield
        finally:
            self._give_up_place()

    async def _take_place(self) -> None:
        self._standing_aside += 1
        try:
            await self._backlog.drained()
        finally:
            self._standing_aside -= 1
        if self._running < self._max_concurrent_calls and not self._line:
            self._running += 1
        else:
            await self._wait()

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
                raise overloaded() from None
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


def _size_bytes(call: Call) -> int:
    return call.received.size_bytes if call.received is not None else 0


def overloaded() -> RefusedError:
    """Return the refusal of a call for which there is no place."""
    return RefusedError(next(_OVERLOADED))


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

"""Brings to light the calls that gRPC holds back from a busy loop, so that they can be shed.

grpc.aio hands over at most one call per turn of the event loop. When calls are judged inline, a
turn lasts as long as one call's work, and calls beyond that pile up inside gRPC, where nothing
counts them and nobody is told to go away. So when the loop is saturated, calls stand aside for
some idle turns, in which gRPC hands over what it holds.
"""

import asyncio
import time
from collections import deque
from typing import Final

PULSE_SECONDS: Final = 0.02
CALM_BEATS: Final = 10
"""How many beats in a row the loop must have time to spare to be called unsaturated again."""
SATURATED_SHARE: Final = 0.7
"""Share of a pulse that the loop's thread spends computing, from which it has none to spare."""
LATE_SECONDS: Final = 0.004
WORK_SECONDS: Final = 0.005
TICK_SECONDS: Final = 0.001
LONGEST_PAUSE_TICKS: Final = 10
"""A pause goes on for as long as calls come in every tick."""


class Backlog:
    """Watches how busy the loop is, and makes calls stand aside when it is too busy."""

    def __init__(self) -> None:
        self._arrivals = 0
        self._is_saturated = False
        self._calm_beats = CALM_BEATS
        self._aside: deque[asyncio.Future[None]] = deque()
        self._usher: asyncio.Task[None] | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._since = (0.0, 0.0)

    def watch(self) -> None:
        """Begin to watch the running loop. Idempotent."""
        if self._pulse is None:
            self._since = (time.monotonic(), time.thread_time())
            self._pulse = asyncio.get_running_loop().call_later(PULSE_SECONDS, self._beat)

    def stop(self) -> None:
        """Watch no longer. Idempotent."""
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None

    def arrived(self) -> None:
        """Count a call that gRPC has handed over."""
        self._arrivals += 1

    async def drained(self) -> None:
        """Return at once on a loop with time to spare, else when it is this call's turn."""
        if not self._is_saturated and not self._aside:
            return
        turn = asyncio.get_running_loop().create_future()
        self._aside.append(turn)
        if self._usher is None:
            self._usher = asyncio.create_task(self._let_in())
        await turn

    async def _let_in(self) -> None:
        """Let calls in one a turn, for a few milliseconds between pauses, until none is left."""
        try:
            while self._aside:
                await self._pause()
                resume = time.monotonic() + WORK_SECONDS
                while self._aside and time.monotonic() < resume:
                    turn = self._aside.popleft()
                    if not turn.done():
                        turn.set_result(None)
                    await asyncio.sleep(0)
        finally:
            self._usher = None

    async def _pause(self) -> None:
        # Sleeping, not spinning: gRPC's own threads need the processor to hand calls over.
        for _ in range(LONGEST_PAUSE_TICKS):
            seen = self._arrivals
            await asyncio.sleep(TICK_SECONDS)
            if self._arrivals == seen:
                return

    def _beat(self) -> None:
        self._weigh(time.monotonic(), time.thread_time())
        self._pulse = asyncio.get_running_loop().call_later(PULSE_SECONDS, self._beat)

    def _weigh(self, wall: float, computed: float) -> None:
        elapsed = wall - self._since[0]
        share = (computed - self._since[1]) / elapsed
        busy = share >= SATURATED_SHARE or elapsed - PULSE_SECONDS >= LATE_SECONDS
        self._calm_beats = 0 if busy else self._calm_beats + 1
        self._is_saturated = self._calm_beats < CALM_BEATS
        self._since = (wall, computed)

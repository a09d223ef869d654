"""Where the text family's CPU work runs: short work at once, long work on a few threads.

Most texts cost less than a thread switch, so they are judged inline on the event loop. Long
ones go to threads, which look at a checkpoint often enough to stop within 100 ms of a cancel.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
Checkpoint = Callable[[], None]
"""Called by long work between steps of at most about 10 ms; raises once nobody waits any more."""

INLINE_CHARACTERS: Final = 2_000
STEP_CHARACTERS: Final = 8_192


class WorkCancelled(Exception):  # noqa: N818 - it is no error, it unwinds a thread
    """Unwinds work on a thread whose caller has gone. Never seen outside the lane."""


class CpuLane:
    """Runs CPU work off the event loop when it is long enough to be felt.

    ``threads`` bounds how many long texts are worked on at once; more wait in line.
    """

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gavel-text")

    async def run(self, characters: int, work: Callable[[Checkpoint], T]) -> T:
        """Return ``work(checkpoint)``; ``characters`` is how much text it will go through."""
        if characters <= INLINE_CHARACTERS:
            return work(_go_on)
        return await self.aside(work)

    async def aside(self, work: Callable[[Checkpoint], T]) -> T:
        """Return ``work(checkpoint)``, run on a thread however short it is."""
        gone = threading.Event()

        def checkpoint() -> None:
            if gone.is_set():
                raise WorkCancelled

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, checkpoint)
        finally:
            gone.set()

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def steps(length: int, overlap: int = 0, size: int = STEP_CHARACTERS) -> Iterator[tuple[int, int]]:
    """Yield ranges that cover ``length`` characters, each reaching ``overlap`` into the next."""
    for start in range(0, length, size):
        yield start, min(length, start + size + overlap)


def _go_on() -> None:
    pass

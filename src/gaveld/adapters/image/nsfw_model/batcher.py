"""Hands the frames of many callers to one network, on threads of its own.

There is no timer: a free thread starts at once, and while all are busy the next batch fills. It
bounds how much waits and how large a batch is, and knows nothing of what the network says.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gaveld.adapters.image.nsfw_model.network import Pixels
from gaveld.domain.media import Frame

FRAMES_A_BATCH: Final = 1
"""On a CPU a frame costs the least alone: what it leaves in the caches is used by nothing else."""

MAX_WAITING: Final = 256
"""So many frames may wait; one more is refused."""


class NetworkOverloaded(Exception):  # noqa: N818 - the state, as the domain's own errors are named
    """More is waiting for the network than it could answer in any caller's time."""


class Network(Protocol):
    """What computes a batch. Several threads call it at once, and never an event loop."""

    @property
    def name(self) -> str:
        """What runs it, in letters, digits, dots and hyphens; constant."""
        ...

    def look_at(self, frames: Sequence[Frame]) -> Pixels:
        """Return ``[frames, classes]``. Blocks."""
        ...


@dataclass(eq=False, slots=True)
class _Job:
    frame: Frame
    loop: asyncio.AbstractEventLoop
    caller: "asyncio.Future[Pixels]"

    def answer(self, result: Pixels | Exception) -> None:
        if self.caller.done():
            return
        if isinstance(result, Exception):
            self.caller.set_exception(result)
        else:
            self.caller.set_result(result)


class FrameBatcher:
    """Asks a network about frames, the oldest first and up to ``frames_a_batch`` at a time.

    ``threads`` batches run at once. A caller that is cancelled drops out, and its frame with it
    unless it is being computed.
    """

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        frames_a_batch: int = FRAMES_A_BATCH,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._network = network
        self._frames_a_batch = frames_a_batch
        self._max_waiting = max_waiting
        self._changed = threading.Condition()
        self._closed = False
        self._waiting: deque[_Job] = deque()
        self._threads = [
            threading.Thread(target=self._serve, name=f"gavel-nsfw-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def classes(self, frame: Frame) -> Pixels:
        """Return the classes of one frame.

        Waits as long as the caller does. Raises ``NetworkOverloaded`` when too much waits, what
        the network raised for the batch, and ``RuntimeError`` once closed.
        """
        loop = asyncio.get_running_loop()
        job = _Job(frame, loop, loop.create_future())
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            if len(self._waiting) >= self._max_waiting:
                raise NetworkOverloaded(f"{self._max_waiting} frames are waiting")
            self._waiting.append(job)
            self._changed.notify()
        try:
            return await job.caller
        finally:
            with self._changed, contextlib.suppress(ValueError):
                self._waiting.remove(job)

    def close(self) -> None:
        """Refuse new frames and those that wait; return once those that run have ended."""
        with self._changed:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        _deliver(left, [RuntimeError("the batcher is closed")] * len(left))
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                size = min(self._frames_a_batch, len(self._waiting))
                jobs = [self._waiting.popleft() for _ in range(size)]
            _deliver(jobs, self._run(jobs))

    def _run(self, jobs: Sequence[_Job]) -> Sequence[Pixels | Exception]:
        try:
            classes = self._network.look_at([job.frame for job in jobs])
            return [row for row, _ in zip(classes, jobs, strict=True)]
        except Exception as failure:  # noqa: BLE001 - whatever it is, the callers get it
            return [failure] * len(jobs)


def _deliver(jobs: Sequence[_Job], results: Sequence[Pixels | Exception]) -> None:
    for job, result in zip(jobs, results, strict=True):
        # A loop that is closed has no callers left.
        with contextlib.suppress(RuntimeError):
            job.loop.call_soon_threadsafe(job.answer, result)

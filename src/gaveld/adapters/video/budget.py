"""Counts what processor time a video takes, and ends what takes too much."""

import signal
import time
from collections.abc import Callable
from typing import Final

from gaveld.adapters.video.limits import VideoLimits

CPU_A_SECOND: Final = 0.5
"""Processor time that each second of a video may take."""

_HEARTBEAT_SECONDS: Final = 1.0


class CutShort(Exception):  # noqa: N818 - it is no error, it ends a reading
    """The video has had its processor time."""


class Budget:
    """The time that one video may take: some free, and then by how long it has played.

    ``tell_alive`` is called about every second of work.
    """

    def __init__(self, limits: VideoLimits, tell_alive: Callable[[], None]) -> None:
        self._limits = limits
        self._tell_alive = tell_alive
        self._begun = time.process_time()
        self._played_seconds = 0.0
        self._told = time.monotonic()

    def begin(self) -> None:
        """Begin a step of the work, which the system ends with the process if it takes too long."""
        signal.setitimer(signal.ITIMER_PROF, self._limits.free_cpu_seconds)  # nobody handles it

    def step(self, played_seconds: float) -> None:
        """Begin a step, at a moment of the video.

        Raises ``CutShort`` when there is no time left for another.
        """
        self.begin()
        self._played_seconds = max(self._played_seconds, played_seconds)
        allowed = self._limits.free_cpu_seconds + CPU_A_SECOND * self._played_seconds
        if time.process_time() - self._begun > min(allowed, self._limits.cpu_seconds):
            raise CutShort
        if time.monotonic() - self._told > _HEARTBEAT_SECONDS:
            self._tell_alive()
            self._told = time.monotonic()

"""Times the stages of one call."""

import time
from dataclasses import dataclass

from gaveld.application.ports import Telemetry


@dataclass(frozen=True, slots=True)
class StageTiming:
    """How long one stage took, in seconds."""

    stage: str
    seconds: float


class Stopwatch:
    """Times the stages of one call, in order, and reports each as it ends."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._laps: list[StageTiming] = []
        self._since = time.monotonic()

    def lap(self, stage: str) -> None:
        """End the current stage under this name and begin the next."""
        now = time.monotonic()
        self._laps.append(StageTiming(stage, now - self._since))
        self._telemetry.stage_finished(stage, now - self._since)
        self._since = now

    def laps(self) -> tuple[StageTiming, ...]:
        """Return the stages so far."""
        return tuple(self._laps)

"""Measures how late the event loop is: the wait that every call has before it is even seen."""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

PERIOD_SECONDS: Final = 0.25


class LoopLag:
    """Keeps ``gavel_event_loop_lag_seconds``: by how much the last timer fired too late."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Gauge(
            "gavel_event_loop_lag_seconds",
            "How late the event loop ran a timer that it was due to run.",
            registry=registry,
        )

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PERIOD_SECONDS
            await asyncio.sleep(PERIOD_SECONDS)
            self._lag.set(max(0.0, loop.time() - due))

"""Counts the turns of streams; how many streams are open, the RPC metrics say."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

RESULTS: Final = ("allow", "review", "block", "error")


class StreamMetrics:
    """The metrics of streams of one server, in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        turns = Counter(
            "gavel_stream_turns_total",
            "Turns of streams, by the action given or error.",
            ("result",),
            registry=registry,
        )
        self._turns = {result: turns.labels(result) for result in RESULTS}

    def turn_answered(self, result: str) -> None:
        """Count a turn by one of ``RESULTS``."""
        self._turns[result].inc()

"""Tells how much waits for people, so that somebody hears of a queue that nobody works on."""

from datetime import datetime

from gaveld.application.ports import ReviewItemStore, Telemetry


class CountReviews:
    """A chore: counts the items that wait, of all projects."""

    def __init__(self, items: ReviewItemStore, telemetry: Telemetry) -> None:
        self._items = items
        self._telemetry = telemetry

    async def __call__(self, now: datetime) -> int:
        """Count them as of now, and return how many wait."""
        waiting = await self._items.waiting()
        age = now - (waiting.oldest_at or now)
        self._telemetry.reviews_counted(waiting.count, max(0.0, age.total_seconds()))
        return waiting.count

"""Opinions that a test gives and looks at."""

from collections.abc import AsyncIterator
from datetime import datetime

from gaveld.domain.feedback import Feedback


class FakeFeedbackStore:
    """A ``FeedbackStore`` over a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Feedback] = {}

    async def add(self, feedback: Feedback) -> Feedback | None:
        key = (feedback.project, feedback.id)
        known = self.kept.get(key)
        self.kept.setdefault(key, feedback)
        return known

    async def read(
        self, *, project: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Feedback]:
        for feedback in sorted(self.kept.values(), key=lambda one: one.given_at):
            if project in {None, feedback.project} and (not since or feedback.given_at >= since):
                yield feedback

    async def erase(self, *, project: str | None = None, before: datetime | None = None) -> int:
        doomed = [
            key
            for key, feedback in self.kept.items()
            if project in {None, feedback.project} and (not before or feedback.given_at < before)
        ]
        for key in doomed:
            del self.kept[key]
        return len(doomed)

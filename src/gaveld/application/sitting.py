"""A panel that sits for the length of a stream, and has a place and a time for each thing."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from gaveld.application.panels import Panel, Review
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import ContentKind, ReviewContent, TextContent

Place = Callable[[int], AbstractAsyncContextManager[None]]
"""Grants a place to judge so many characters. It may wait, and raise if there is none."""

Question = tuple[ContentKind, ReviewContent]


class Sitting:
    """One stream's panel. Each call takes one place, and gives up after ``max_seconds``."""

    def __init__(
        self, review_compliance: ReviewCompliance, panel: Panel, place: Place, max_seconds: float
    ) -> None:
        self.policy: Policy = panel.policy
        self.in_force = frozenset(rule.id for rule in panel.counting.rules)
        self._review_compliance = review_compliance
        self._panel = panel
        self._place = place
        self._max_seconds = max_seconds

    async def review(self, asked: Sequence[Question]) -> list[Review]:
        """Have several things reviewed at once, in one place. If one fails, the rest is stopped."""
        if not asked:
            return []
        async with self._place(sum(_characters(content) for _, content in asked)):
            reviews = [asyncio.ensure_future(self._review(*question)) for question in asked]
            try:
                return await asyncio.gather(*reviews)
            finally:
                for review in reviews:
                    review.cancel()

    async def _review(self, kind: ContentKind, content: ReviewContent) -> Review:
        return await self._review_compliance.review(
            self._panel, kind, content, deadline_seconds=self._max_seconds
        )


def _characters(content: ReviewContent) -> int:
    if isinstance(content, TextContent):
        return len(content.text)
    return sum(len(turn.text) for turn in getattr(content, "turns", ()))

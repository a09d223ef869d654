"""The port of people's opinions, which are kept to learn from."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from gaveld.domain.feedback import Feedback


class FeedbackStore(Protocol):
    """Keeps opinions durably. A write is on disk when its call returns.

    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when they can't be reached.
    """

    async def add(self, feedback: Feedback) -> Feedback | None:
        """Keep an opinion, and return None; or return the one that has its project and id."""
        ...

    def read(
        self, *, project: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Feedback]:
        """Yield opinions, oldest first: a project's or all, since a time (UTC) or ever."""
        ...

    async def erase(self, *, project: str | None = None, before: datetime | None = None) -> int:
        """Erase opinions, a project's or all, up to a time (UTC) or all; return how many."""
        ...

"""The port of what projects used."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from gaveld.domain.usage import Usage


class UsageStore(Protocol):
    """Keeps what projects used, summed up by day, project and method.

    A write is on disk when its call returns. Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when
    usage can't be reached.
    """

    async def add(self, used: Sequence[Usage]) -> None:
        """Add to what is kept, all of it or nothing, exactly, however many servers do so at once.

        No day, project and method come twice in ``used``.
        """
        ...

    async def read(
        self,
        *,
        project: str | None = None,
        since: date | None = None,
        after: Usage | None = None,
        limit: int | None = None,
    ) -> Sequence[Usage]:
        """Return what is kept, a project's or all, since a day or ever; by day, project, method.

        With a limit at most so many, of those that come after the last of the page before.
        """
        ...

    async def erase(self, *, before: date) -> int:
        """Erase the days before a day, and return how many rows went."""
        ...

"""Usage that a test looks at, and a store that it can take away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.usage import Usage


class FakeUsageStore:
    """A ``UsageStore`` over a dictionary; it can't be reached while ``is_away``."""

    def __init__(self) -> None:
        self.is_away = False
        self.writes = 0
        self._kept: dict[tuple[date, str, str], Usage] = {}

    async def add(self, used: Sequence[Usage]) -> None:
        self._reach()
        self.writes += 1
        for more in used:
            key = (more.day, more.project, more.method)
            kept = self._kept.get(key, Usage(*key))
            self._kept[key] = replace(
                kept,
                calls=kept.calls + more.calls,
                refused=kept.refused + more.refused,
                items=kept.items + more.items,
            )

    async def read(
        self,
        *,
        project: str | None = None,
        since: date | None = None,
        after: Usage | None = None,
        limit: int | None = None,
    ) -> Sequence[Usage]:
        self._reach()
        found = sorted(
            usage
            for key, usage in self._kept.items()
            if project in (None, usage.project)
            and (since is None or usage.day >= since)
            and (after is None or key > (after.day, after.project, after.method))
        )
        return found[:limit]

    async def erase(self, *, before: date) -> int:
        self._reach()
        gone = [key for key in self._kept if key[0] < before]
        for key in gone:
            del self._kept[key]
        return len(gone)

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "away", retry_after_seconds=1.0)

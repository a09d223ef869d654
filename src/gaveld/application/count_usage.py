"""Counts what projects use, in memory, and has it added to what is kept every few seconds.

Usage is a statistic: a process that is killed loses the last seconds of it. What must be exact,
credits count.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gaveld.application.failures import place_of
from gaveld.application.ports import UsageStore
from gaveld.domain.usage import Usage

DAY_SECONDS: Final = 86_400
LAST_WRITE_SECONDS: Final = 5.0
"""How long the end waits for the store."""

_log = logging.getLogger(__name__)

_CALLS, _REFUSED, _ITEMS = range(3)
_Key = tuple[int, str, str]
"""A day since 1970, a project and a method."""


class CountUsage:
    """Counts from the start, and writes every ``every_seconds`` from ``start`` until ``stop``.

    While the store can't be reached, counts add up in memory, a few numbers for each day, project
    and method, and nothing waits for it. A write whose end is not known, as when its connection
    breaks, is done again, so that a call may then count twice.
    """

    def __init__(
        self,
        store: UsageStore,
        *,
        every_seconds: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._every_seconds = every_seconds
        self._clock = clock
        self._counts: dict[_Key, list[int]] = {}
        self._ending = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._reaches_store = True

    def answered(self, project: str, method: str, items: int = 1) -> None:
        """Count a call that was answered, with how many items it carried."""
        counts = self._of(project, method)
        counts[_CALLS] += 1
        counts[_ITEMS] += items

    def refused(self, project: str, method: str) -> None:
        """Count a call that was not."""
        self._of(project, method)[_REFUSED] += 1

    def start(self) -> None:
        """Begin to write."""
        self._writing = asyncio.create_task(self._write_until_the_end())

    async def stop(self) -> None:
        """Write what is left, if the store takes it in time, and end. Idempotent."""
        self._ending.set()
        if self._writing is None:
            return
        await asyncio.wait({self._writing}, timeout=LAST_WRITE_SECONDS)
        self._writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writing
        self._writing = None
        if self._counts:
            _log.warning("usage is lost", extra={"calls": self._count()})

    async def write(self) -> None:
        """Add what was counted to what is kept; what can't be added is kept for the next time."""
        if not self._counts:
            return
        counts, self._counts = self._counts, {}
        try:
            await self._store.add([_usage(key, sums) for key, sums in counts.items()])
        except BaseException as failure:
            self._put_back(counts)
            if not isinstance(failure, Exception):
                raise
            self._store_is(failure)
        else:
            self._store_is(None)

    def _of(self, project: str, method: str) -> list[int]:
        key = (int(self._clock() // DAY_SECONDS), project, method)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0, 0, 0]
        return counts

    async def _write_until_the_end(self) -> None:
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._every_seconds)
            is_last = self._ending.is_set()
            await self.write()

    def _put_back(self, counts: dict[_Key, list[int]]) -> None:
        for (day, project, method), sums in counts.items():
            since = self._counts.setdefault((day, project, method), [0, 0, 0])
            for place, count in enumerate(sums):
                since[place] += count

    def _count(self) -> int:
        return sum(sums[_CALLS] + sums[_REFUSED] for sums in self._counts.values())

    def _store_is(self, failure: Exception | None) -> None:
        if self._reaches_store == (failure is None):
            return
        self._reaches_store = failure is None
        if failure is None:
            _log.info("usage can be written again")
        else:
            cause = failure.__cause__ or failure
            _log.error("usage can't be written", extra={"cause": place_of(cause)})


def _usage(key: _Key, sums: list[int]) -> Usage:
    day, project, method = key
    return Usage(datetime.fromtimestamp(day * DAY_SECONDS, UTC).date(), project, method, *sums)

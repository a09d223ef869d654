"""Keeps answers in this process's memory, up to an age and a size, the oldest forgotten first.

Unlike the cache of signals it holds what callers were told, their own words for rules included.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from gaveld.application.ports import KeptAnswer

ENTRY_BYTES: Final = 700
"""What an entry takes beside its body and names at most, in CPython 3.11."""


class MemoryAnswerStore:
    """An ``AnswerStore`` of up to ``max_bytes``, each answer for ``max_age_seconds``."""

    def __init__(
        self,
        max_bytes: int,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, KeptAnswer]] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """What the entries take; never more than ``max_bytes``."""
        return self._bytes

    async def find(self, project: str, request_id: str) -> KeptAnswer | None:
        """Return what was kept; see ``AnswerStore.find``."""
        self._forget_the_old()
        kept = self._kept.get((project, request_id))
        return None if kept is None else kept[1]

    async def keep(self, project: str, request_id: str, answer: KeptAnswer) -> None:
        """Remember; see ``AnswerStore.keep``. What alone is too large is not kept."""
        self._forget_the_old()
        key = project, request_id
        if key in self._kept:
            self._forget(key)
        size = _size(key, answer)
        if size > self._max_bytes:
            return
        self._kept[key] = self._clock(), answer
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _forget_the_old(self) -> None:
        oldest = self._clock() - self._max_age_seconds
        while self._kept and next(iter(self._kept.values()))[0] <= oldest:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[str, str]) -> None:
        _, answer = self._kept.pop(key)
        self._bytes -= _size(key, answer)


def _size(key: tuple[str, str], answer: KeptAnswer) -> int:
    return ENTRY_BYTES + 4 * sum(map(len, key)) + len(answer.body)

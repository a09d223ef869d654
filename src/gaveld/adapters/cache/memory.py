"""Remembers signals in this process's memory, the least recently used forgotten first.

It keeps no content: keys are digests, and signals hold scores, positions and fixed sentences.
"""

from collections import OrderedDict
from typing import Final

from gaveld.application.ports import TextSignals

ENTRY_BYTES: Final = 1_700
FINDING_BYTES: Final = 420
OUTCOME_BYTES: Final = 300
TOPIC_BYTES: Final = 100
"""What each takes at most in CPython 3.11; cards and the names of topics are shared."""


class MemoryVerdictCache:
    """A ``VerdictCache`` of up to ``max_bytes``, by an estimate that is on the safe side."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, TextSignals] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """What the entries are estimated to take; never more than ``max_bytes``."""
        return self._bytes

    async def find(self, key: bytes) -> TextSignals | None:
        """Return what was kept; see ``VerdictCache.find``."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    async def keep(self, key: bytes, learnt: TextSignals) -> None:
        """Remember; see ``VerdictCache.keep``. What alone is too large is not kept."""
        replaced = self._kept.pop(key, None)
        if replaced is not None:
            self._bytes -= estimated_bytes(replaced)
        size = estimated_bytes(learnt)
        if size > self._max_bytes:
            return
        self._kept[key] = learnt
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= estimated_bytes(forgotten)


def estimated_bytes(learnt: TextSignals) -> int:
    """Return about how much memory an entry takes, rather too much than too little."""
    return (
        ENTRY_BYTES
        + FINDING_BYTES * len(learnt.signals.findings)
        + OUTCOME_BYTES * len(learnt.outcomes)
        + TOPIC_BYTES * len(learnt.signals.topics)
    )

"""Remembers signals in this process's memory, the least recently used forgotten first.

It is given no content: keys are digests, and signals hold scores, positions and fixed sentences.
"""

from collections import OrderedDict
from typing import Final, Generic, TypeVar

from gaveld.application.ports import TextSignals
from gaveld.domain.image_signals import SeenPicture
from gaveld.domain.signals import Signals

ENTRY_BYTES: Final = 1_700
PICTURE_BYTES: Final = 1_400
FINDING_BYTES: Final = 480
OUTCOME_BYTES: Final = 300
TOPIC_BYTES: Final = 100
FRAME_BYTES: Final = 700
MATCH_BYTES: Final = 400
"""What each takes at most in CPython 3.11; cards and the names of topics are shared."""

LearntT = TypeVar("LearntT", bound=TextSignals | SeenPicture)


class MemoryVerdictCache(Generic[LearntT]):
    """A ``VerdictCache`` of up to ``max_bytes``, by an estimate that is on the safe side."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, LearntT] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """What the entries are estimated to take; never more than ``max_bytes``."""
        return self._bytes

    async def find(self, key: bytes) -> LearntT | None:
        """Return what was kept; see ``VerdictCache.find``."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    async def keep(self, key: bytes, learnt: LearntT) -> None:
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


def estimated_bytes(learnt: TextSignals | SeenPicture) -> int:
    """Return about how much memory an entry takes, rather too much than too little."""
    if isinstance(learnt, TextSignals):
        return _base_bytes(learnt.signals) + OUTCOME_BYTES
    signals = learnt.signals
    quoted = [*(text.text for text in signals.texts), *(code.text for code in signals.codes)]
    return (
        _base_bytes(signals.signals)
        + PICTURE_BYTES
        + FRAME_BYTES * max(len(signals.frame_scores), len(learnt.frame_seconds))
        + MATCH_BYTES * (len(signals.hash_matches) + len(quoted))
        + 4 * sum(map(len, [signals.description, *quoted]))
    )


def _base_bytes(signals: Signals) -> int:
    return (
        ENTRY_BYTES
        + FINDING_BYTES * len(signals.findings)
        + OUTCOME_BYTES * len(signals.outcomes)
        + TOPIC_BYTES * len(signals.topics)
    )

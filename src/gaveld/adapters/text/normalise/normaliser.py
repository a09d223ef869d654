"""The adapter of the ``TextNormaliser`` port: folds characters, then unmasks words, on a lane."""

from functools import partial

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.normalise.folding import fold
from gaveld.adapters.text.normalise.unmasking import unmask
from gaveld.domain.content import TextReadings


class DisguiseNormaliser:
    """Reads through disguises in any text, in time linear in its length. Keeps no state."""

    def __init__(self, lane: CpuLane) -> None:
        self._lane = lane

    async def normalise(self, text: str) -> TextReadings:
        """Return the readings of ``text``; a cancelled call stops within a few steps."""
        return await self._lane.run(len(text), partial(read, text))


def read(text: str, checkpoint: Checkpoint) -> TextReadings:
    """Return the readings of ``text``, on the calling thread."""
    folded = fold(text, checkpoint)
    unmasked, variants = unmask(text, folded, checkpoint)
    return TextReadings(text, folded, unmasked, variants)

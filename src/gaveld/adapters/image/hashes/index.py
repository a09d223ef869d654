"""Finds the known hashes that are near to one, among millions, exactly and without an index tree.

It goes through all of them, which takes 3 ms a million, for hashes are kept by 64-bit columns, and
those are counted a stretch at a time. It knows bits and positions; banks are its caller's.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from gaveld.domain.image_signals import HASH_BITS

Hashes = npt.NDArray[np.uint8]
"""``[hashes, 32]``: the bytes of each."""

Numbers = npt.NDArray[np.intp]

_WORDS: Final = HASH_BITS // 64
_ROWS_AT_ONCE: Final = 32_768
"""So that what is worked on stays in the processor's second cache."""


class HashIndex:
    """Some hashes by their position. Immutable, and safe to ask from several threads."""

    def __init__(self, hashes: Hashes) -> None:
        words = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, _WORDS)
        self._columns = np.ascontiguousarray(words.T)

    def __len__(self) -> int:
        return int(self._columns.shape[1])

    def near(self, value: bytes, max_distance: int) -> tuple[Numbers, Numbers]:
        """Return the positions of all hashes at most so many bits away, and those numbers of bits.

        ``value`` has 32 bytes. Both arrays are in order of position.
        """
        wanted = np.frombuffer(value, np.uint64)
        positions = np.concatenate([*self._likely(wanted, max_distance), np.empty(0, np.intp)])
        found = self._columns[:, positions] ^ wanted[:, None]
        distances = np.bitwise_count(found).sum(axis=0, dtype=np.intp)
        kept = distances <= max_distance
        return positions[kept], distances[kept]

    def _likely(self, wanted: npt.NDArray[np.uint64], max_distance: int) -> Iterator[Numbers]:
        """Yield the positions that are near enough, and those whose every bit differs."""
        differing = np.empty(_ROWS_AT_ONCE, np.uint64)
        bits, total = np.empty((2, _ROWS_AT_ONCE), np.uint8)
        for start in range(0, len(self), _ROWS_AT_ONCE):
            size = min(_ROWS_AT_ONCE, len(self) - start)
            total[:size] = 0
            for column, word in zip(self._columns, wanted, strict=True):
                np.bitwise_xor(column[start : start + size], word, out=differing[:size])
                np.bitwise_count(differing[:size], out=bits[:size])
                total[:size] += bits[:size]  # 256 comes to 0
            yield np.flatnonzero(total[:size] <= max_distance) + start

"""The PDQ hash of a picture: 256 bits that stay nearly the same when it is re-saved or scaled.

The algorithm is the published one of Facebook's (2019), written as the two matrix products that it
comes down to. It sees brightness only; it compares nothing.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gaveld.domain.image_signals import HASH_BITS
from gaveld.domain.media import Frame

HASH_BYTES: Final = HASH_BITS // 8
MAX_QUALITY: Final = 100

_MIN_SIDE: Final = 5
_SMALL: Final = 64
_FREQUENCIES: Final = 16
_BRIGHTNESS: Final = np.array([0.299, 0.587, 0.114], np.float32)
_ROWS_AT_ONCE: Final = 128
_QUALITY_DIVISOR: Final = 90

Matrix = npt.NDArray[np.float32]


class PictureHash(NamedTuple):
    """A hash of 32 bytes, and how much there was in the picture to tell it by, 0–100."""

    value: bytes
    quality: int


def picture_hash(frame: Frame) -> PictureHash:
    """Return the hash of a frame; one with a side below 5 pixels has no bits and no quality."""
    if min(frame.width, frame.height) < _MIN_SIDE:
        return PictureHash(bytes(HASH_BYTES), 0)
    small = _shrunk(frame)
    cosines = _cosines()
    waves = cosines @ small @ cosines.T
    median = np.partition(waves, HASH_BITS // 2 - 1, axis=None)[HASH_BITS // 2 - 1]
    # The last wave is the hash's first bit.
    bits = (waves > median).ravel()[::-1]
    return PictureHash(np.packbits(bits).tobytes(), _quality(small))


def _shrunk(frame: Frame) -> Matrix:
    """Return the brightness, 0–255, blurred and taken at 64 × 64 places."""
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
    narrow = np.empty((frame.height, _SMALL), np.float32)
    for top in range(0, frame.height, _ROWS_AT_ONCE):
        part = pixels[top : top + _ROWS_AT_ONCE]
        narrow[top : top + _ROWS_AT_ONCE] = _taken(part @ _BRIGHTNESS)
    return _taken(np.ascontiguousarray(narrow.T)).T


def _taken(lines: Matrix) -> Matrix:
    """Return ``[lines, 64]`` of ``[lines, length]``: the mean of the means around 64 places.

    Two passes of a window that spans a 128th of the line and is cut off where the line ends; its
    neighbours' windows touch it.
    """
    length = lines.shape[1]
    places = ((np.arange(_SMALL) + 0.5) * length / _SMALL).astype(np.intp)
    return _means(_means(lines, np.arange(length)), places)


def _means(lines: Matrix, places: npt.NDArray[np.intp]) -> Matrix:
    length = lines.shape[1]
    window = -(-length // (2 * _SMALL))
    after = (window + 2) // 2
    starts, ends = np.maximum(places + after - window, 0), np.minimum(places + after, length)
    sums = np.zeros((len(lines), length + 1))
    np.cumsum(lines, axis=1, out=sums[:, 1:])
    means = sums.take(ends, axis=1)
    means -= sums.take(starts, axis=1)
    means /= ends - starts
    return np.asarray(means, np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Matrix:
    """Return ``[16, 64]``: the lowest waves of the cosine transform but for the constant one."""
    wave, place = np.arange(1, _FREQUENCIES + 1)[:, None], np.arange(_SMALL)
    angles = np.pi / (2 * _SMALL) * wave * (2 * place + 1)
    return np.asarray(np.sqrt(2 / _SMALL) * np.cos(angles), np.float32)


def _quality(small: Matrix) -> int:
    """Return how much neighbouring places differ, in whole per cent of the full range, 0–100."""
    steps = (np.diff(small, axis=axis) * 100 / 255 for axis in (0, 1))
    total = sum(int(np.abs(np.trunc(step)).sum()) for step in steps)
    return min(MAX_QUALITY, total // _QUALITY_DIVISOR)

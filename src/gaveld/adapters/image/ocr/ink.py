"""Whether a part of a frame can hold writing at all: letters have edges, plain colours none."""

from typing import Final

import numpy as np
from PIL import Image

from gaveld.domain.media import Frame

SIDE: Final = 64
"""Parts are looked at no larger than so many pixels on their shorter side."""

STEP: Final = 6
"""Neighbours that differ by more, of 255, in a colour are an edge; a gradient's do by up to 4."""

SHARE: Final = 0.005
"""Where something is written, there are more edges than this share of the pixels."""


def has_ink(frame: Frame, rect: tuple[float, float, float, float]) -> bool:
    """Return whether a part of a frame, in pixels (left, top, right, bottom), has edges."""
    left, top = (max(0, int(at)) for at in rect[:2])
    right, bottom = min(frame.width, int(rect[2]) + 1), min(frame.height, int(rect[3]) + 1)
    if right <= left or bottom <= top:
        return False
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
    part = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    shrink = min(1.0, SIDE / min(part.size))
    size = (max(1, int(part.width * shrink)), max(1, int(part.height * shrink)))
    small = np.asarray(part.resize(size, Image.Resampling.BOX), np.int16)
    steps = [np.abs(np.diff(small, axis=axis)).max(axis=2) for axis in (0, 1)]
    edges = sum(np.count_nonzero(step > STEP) for step in steps)
    return bool(edges > SHARE * size[0] * size[1])

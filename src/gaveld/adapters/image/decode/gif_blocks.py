"""Counts the frames of a GIF by walking its blocks, without decoding any.

A hundred thousand frames are refused in milliseconds so; seeking through them takes seconds.
"""

from typing import Final

_HEADER_BYTES: Final = 13
_DESCRIPTOR_BYTES: Final = 10
_IMAGE: Final = 0x2C
_EXTENSION: Final = 0x21


def gif_frames(data: bytes, stop_at: int) -> int:
    """Return how many frames a GIF begins, at most ``stop_at``; one that breaks off is counted.

    It ends where viewers stop: at the trailer, at a byte that begins no block, or with the file.
    """
    frames = 0
    at = _HEADER_BYTES + _palette_bytes(data, 10)
    while at < len(data) and frames < stop_at:
        kind = data[at]
        if kind == _IMAGE:
            frames += 1
            at += _DESCRIPTOR_BYTES + _palette_bytes(data, at + 9) + 1
        elif kind == _EXTENSION:
            at += 2
        else:
            break
        at = _after_blocks(data, at)
    return frames


def _palette_bytes(data: bytes, flags_at: int) -> int:
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    """Return where a chain of data blocks ends; beyond the end of the file if it breaks off."""
    size = len(data)
    while at < size and data[at]:
        at += data[at] + 1
    return at + 1

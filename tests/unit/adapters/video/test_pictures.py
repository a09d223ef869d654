"""How frames of unusual colours look."""

import struct

import pytest
from av.video.frame import VideoFrame

from gaveld.adapters.video.pictures import Developer

PLAIN, PQ = 1, 16


def grey(level: int, transfer: int, space: int = 9) -> int:
    """What a grey frame of 10 bits becomes, 0 to 255."""
    frame = VideoFrame(32, 32, "yuv420p10le")
    for number, plane in enumerate(frame.planes):
        value = 512 if number else level
        plane.update(struct.pack("<H", value) * (plane.buffer_size // 2))
    frame.colorspace, frame.color_trc = space, transfer
    frame.color_primaries, frame.color_range = 9, 1
    pixels = Developer(1_000_000).pixels(frame)
    assert (pixels.width, pixels.height, len(pixels.rgb)) == (32, 32, 3 * 32 * 32)
    return pixels.rgb[0]


def test_a_wide_range_of_light_is_fitted_into_srgb():
    """Law: what HDR calls white looks white, and is not the grey that its number would be."""
    assert grey(600, PQ) >= 250
    assert grey(600, PLAIN) < 170


@pytest.mark.parametrize("space", [2, 3, 8, 14, 200])
def test_no_frame_hides_behind_unknown_colours(space: int):
    """Law: a frame whose colours are named in a way that nobody knows is shown all the same."""
    assert 100 <= grey(500, PLAIN, space) <= 160

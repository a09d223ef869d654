"""Makes of a decoded frame what detectors look at: upright, small enough, in sRGB of 8 bits."""

import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import av.error
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from PIL import Image

_HD_LINES: Final = 720
_UNKNOWN_COLOURS: Final = 2
_ODD_COLOURS: Final = (av.error.OSError, av.error.NotImplementedError, av.error.ArgumentError)
_WIDE_LIGHT: Final = frozenset({ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67})
_GLANCE: Final = (20, 12)
_MATRIX: Final = struct.Struct("=9i")
_TURNS: Final = {
    # The signs of a display matrix's first four numbers, a, b, c and d, say how to turn.
    (1, 0, 0, 1): None,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
_SIDEWAYS: Final = frozenset(
    {
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.TRANSVERSE,
    }
)


@dataclass(frozen=True, slots=True)
class Pixels:
    """A frame's pixels, three bytes each, row by row from the top."""

    width: int
    height: int
    rgb: bytes


class Developer:
    """Turns frames into pixels of at most ``max_pixels``, and into glances to compare them by."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._for_pixels = VideoReformatter()
        self._for_glances = VideoReformatter()

    def pixels(self, frame: VideoFrame) -> Pixels:
        """Return what the frame looks like."""
        width, height = shrunk_size(frame.width, frame.height, self._max_pixels)
        shown = self._converted(frame, width, height)
        plane = shown.planes[0]
        image = Image.frombuffer(
            "RGB", (width, height), bytes(plane), "raw", "RGB", plane.line_size, 1
        )
        turn = turn_of(frame)
        if turn is not None:
            image = image.transpose(turn)
        return Pixels(image.width, image.height, image.tobytes())

    def glance(self, frame: VideoFrame) -> bytes:
        """Return a few pixels' levels, the same number for every frame."""
        width, height = _GLANCE
        small = self._for_glances.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
        )
        plane = small.planes[0]
        lines, step = bytes(plane), plane.line_size
        return b"".join(lines[at * step : at * step + 3 * width] for at in range(height))

    def _converted(self, frame: VideoFrame, width: int, height: int) -> VideoFrame:
        """Return the frame in RGB, in the best way that the library knows for its colours."""
        convert = partial(
            self._for_pixels.reformat,
            frame,
            width,
            height,
            "rgb24",
            interpolation=Interpolation.AREA,
            threads=1,
        )
        if frame.color_trc in _WIDE_LIGHT:
            with suppress(*_ODD_COLOURS):
                return convert(
                    dst_color_trc=ColorTrc.IEC61966_2_1, dst_color_primaries=ColorPrimaries.BT709
                )
        if frame.colorspace != _UNKNOWN_COLOURS or frame.height < _HD_LINES:
            with suppress(*_ODD_COLOURS):
                return convert()
        return convert(src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709)


def difference(glance: bytes, other: bytes) -> float:
    """Return how far apart two glances are, 0 to 1, in the mean over their places."""
    apart = sum(abs(one - two) for one, two in zip(glance, other, strict=True))
    return apart / (255 * len(glance))


def is_whole_by_itself(frame: VideoFrame) -> bool:
    """Return whether the frame was decoded from one packet alone, as those of keyframes are."""
    return frame.pict_type == PictureType.I


def shrunk_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Return the largest size of the same shape that has at most so many pixels."""
    if width * height <= max_pixels:
        return width, height
    scale = (max_pixels / (width * height)) ** 0.5
    narrow = max(1, int(min(width, height) * scale))
    long = max(1, min(int(max(width, height) * scale), max_pixels // narrow))
    return (long, narrow) if width >= height else (narrow, long)


def upright_size(frame: VideoFrame) -> tuple[int, int]:
    """Return the frame's width and height as it is shown."""
    is_sideways = turn_of(frame) in _SIDEWAYS
    return (frame.height, frame.width) if is_sideways else (frame.width, frame.height)


def _side_data(frame: VideoFrame) -> SideDataContainer:
    return cast(SideDataContainer, frame.side_data)  # the library's stubs know less


def turn_of(frame: VideoFrame) -> Image.Transpose | None:
    """Return how to turn the frame so that it is upright; None if it is, or if nobody can tell."""
    try:
        matrix = _MATRIX.unpack(bytes(_side_data(frame)[Type.DISPLAYMATRIX]))
    except (KeyError, struct.error):
        return None
    signs = tuple((part > 0) - (part < 0) for part in (matrix[0], matrix[1], matrix[3], matrix[4]))
    return _TURNS.get(signs)

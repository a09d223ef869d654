"""Reads the codes of one frame with zxing-cpp: what they say, as text, and where they are.

It blocks, and a frame that is begun is read to its end. It follows no link.
"""

import unicodedata
from importlib.metadata import version
from typing import Final

import numpy as np
from PIL import Image
from zxingcpp import Barcode, BarcodeFormat, BarcodeFormats, TextMode, read_barcodes

from gaveld.domain.image_signals import BoundingBox, ImageCode
from gaveld.domain.media import Frame

VERSION: Final = version("zxing-cpp")

MAX_PIXELS: Final = 2_100_000
"""Larger frames are shrunk: it bounds how long the worst of them takes."""

FORMATS: Final = BarcodeFormats(
    [
        BarcodeFormat.AllMatrix,
        BarcodeFormat.EANUPC,
        BarcodeFormat.Code128,
        BarcodeFormat.Code39,
        BarcodeFormat.Code93,
    ]
)
"""What is looked for. The looser kinds of bar code are left out: any stripes would do for them."""

_NO_SIGN: Final = "\N{REPLACEMENT CHARACTER}"


def codes_of(frame: Frame) -> list[ImageCode]:
    """Return the codes of a frame, from the top. Blocks.

    Bytes that are not text are told as the signs of Latin-1, and control characters among them,
    which no reader of the text should meet, as replacement characters.
    """
    picture = _grey(frame)
    found = read_barcodes(picture, formats=FORMATS, text_mode=TextMode.Plain)
    codes = [(_box(code, picture.size), code) for code in found if code.text]
    return [
        ImageCode(str(code.format).replace(" ", ""), _text(code), box, frame.index)
        for box, code in sorted(codes, key=lambda each: (each[0].top, each[0].left))
    ]


def _grey(frame: Frame) -> Image.Image:
    picture = _picture(frame).convert("L")
    area = frame.width * frame.height
    if area <= MAX_PIXELS:
        return picture
    factor = (MAX_PIXELS / area) ** 0.5
    size = (max(1, int(frame.width * factor)), max(1, int(frame.height * factor)))
    return picture.resize(size, Image.Resampling.BOX)


def _text(code: Barcode) -> str:
    return "".join(_NO_SIGN if _is_control(sign) else sign for sign in code.text)


def _is_control(sign: str) -> bool:
    return sign not in "\t\n\r" and unicodedata.category(sign) == "Cc"


def _box(code: Barcode, size: tuple[int, int]) -> BoundingBox:
    """Return the box around a code, in fractions of the picture of this size."""
    at, (width, height) = code.position, size
    corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    across = [min(1.0, max(0.0, corner.x / width)) for corner in corners]
    down = [min(1.0, max(0.0, corner.y / height)) for corner in corners]
    return BoundingBox(min(across), min(down), max(across) - min(across), max(down) - min(down))


def _picture(frame: Frame) -> Image.Image:
    pixels = np.frombuffer(frame.rgb, np.uint8)
    return Image.fromarray(pixels.reshape(frame.height, frame.width, 3))

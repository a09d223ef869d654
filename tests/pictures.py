"""Pictures that tests draw themselves, ordinary and hostile, and the files that hold them."""

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from gaveld.domain.media import MediaFile
from gaveld.domain.media_formats import SIGNATURE_BYTES, MediaFormat, format_of

STILL_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "AVIF", "TIFF")

_OPTIONS = {
    "JPEG": {"quality": 95},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 90, "speed": 10, "max_threads": 1},
}

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 60), (30, 60, 220), (230, 220, 40)
CORNERS = (RED, GREEN, BLUE, YELLOW)
"""The colours of the quarters of `quarters()`: upper left, upper right, lower left, lower right."""


def quarters(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture whose quarters have the colours `CORNERS`."""
    picture = Image.new("RGB", (width, height))
    halves = (width // 2, height // 2)
    for number, colour in enumerate(CORNERS):
        at = (number % 2 * halves[0], number // 2 * halves[1])
        picture.paste(colour, (*at, at[0] + halves[0], at[1] + halves[1]))
    return picture.convert(mode)


def noise(width: int = 96, height: int = 64) -> Image.Image:
    """A grey picture that compresses badly, the same at every run."""
    grey = random.Random(width * height).randbytes(width * height)
    return Image.frombytes("L", (width, height), grey).convert("RGB")


def plain(colour: tuple[int, int, int] | str, size: tuple[int, int] = (32, 24)) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", size, colour)


def written(
    *lines: str,
    height: int = 24,
    size: tuple[int, int] = (640, 320),
    ink: str = "black",
    ground: Image.Image | str = "white",
    at: tuple[int, int] = (24, 24),
) -> Image.Image:
    """A picture with lines of text, letters so many pixels high, in the font that Pillow brings."""
    picture = ground.copy() if isinstance(ground, Image.Image) else Image.new("RGB", size, ground)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(height)
    for number, line in enumerate(lines):
        draw.text((at[0], at[1] + number * height * 8 // 5), line, fill=ink, font=font)
    return picture


def snowy(width: int = 640, height: int = 320) -> Image.Image:
    """Something like a photograph: soft light, and the grain of a film on it."""
    light = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    return Image.blend(light, noise(width, height), 0.25)


def code(content: str | bytes, kind: str = "QRCode", scale: int = 4, **options: str) -> Image.Image:
    """A QR code or a bar code, by the name that zxing-cpp has for it, on a white ground."""
    made = zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, kind), **options)
    bars = Image.fromarray(np.array(made.to_image(scale=scale))).convert("RGB")
    picture = Image.new("RGB", (bars.width + 40, bars.height + 40), "white")
    picture.paste(bars, (20, 20))
    return picture


def encoded(picture: Image.Image, name: str, **options: object) -> bytes:
    """The picture as a file of a format."""
    buffer = io.BytesIO()
    picture.save(buffer, name, **_OPTIONS.get(name, {}) | options)
    return buffer.getvalue()


def animated(pictures: Sequence[Image.Image], name: str, milliseconds: int = 100) -> bytes:
    """Pictures as the frames of one file."""
    first, *rest = pictures
    timing = {} if name == "TIFF" else {"duration": milliseconds}
    exact = {"lossless": True} if name == "WEBP" else {}
    return encoded(first, name, save_all=True, append_images=rest, **timing, **exact)


def shades(count: int, size: tuple[int, int] = (24, 16)) -> list[Image.Image]:
    """Distinct pictures, from dark to light."""
    return [plain((10 + number * 240 // count,) * 3, size) for number in range(count)]


def media_file(data: bytes, of: MediaFormat | None = None) -> MediaFile:
    """The file that a fetcher would make of the bytes; `of` overrules what they are."""
    found = of or format_of(data[:SIGNATURE_BYTES])
    assert found is not None
    return MediaFile(data, found, hashlib.sha256(data).hexdigest())


def gif_frame(width: int = 1, height: int = 1, pixels: bytes = b"\x02\x02\x44\x01\x00") -> bytes:
    """One frame of a GIF, by hand; the pixels are those of a single dot."""
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + pixels


def gif(frames: Sequence[bytes], width: int = 1, height: int = 1) -> bytes:
    """A GIF of two colours made of given frames."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + screen + b"".join(frames) + b";"


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(picture: Image.Image, *chunks: bytes, after: bytes = b"") -> bytes:
    """A PNG with chunks put before its pixels, and bytes after its end."""
    data = encoded(picture, "PNG")
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:] + after


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and holds next to nothing."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(bytes(4096)))
    return b"\x89PNG\r\n\x1a\n" + head + body + png_chunk(b"IEND", b"")


def text_bomb(megabytes: int = 64) -> bytes:
    """A picture with a text that is a hundred thousand times larger than it looks."""
    squeezed = zlib.compressobj(9)
    body = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(megabytes))
    text = b"Comment\0\0" + body + squeezed.flush()
    return png_with(quarters(), png_chunk(b"zTXt", text))


def text_of(picture: Image.Image, words: str) -> bytes:
    """A PNG that carries a text."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", words)
    return encoded(picture, "PNG", pnginfo=info)

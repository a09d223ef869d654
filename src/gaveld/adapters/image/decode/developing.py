"""Makes of a decoded frame what detectors look at: upright, sRGB, opaque, and small enough.

It shrinks first, so that colour and orientation are worked out on few pixels.
"""

import io
from functools import lru_cache
from typing import Final

from PIL import Image, ImageCms

_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_LIGHT: Final = 224
"""What can be seen of a transparent picture is light from this mean on, 0–255."""
_HALF_ALPHA: Final = 128
_SEEN_ALPHA: Final = [255 * (alpha >= _HALF_ALPHA) for alpha in range(256)]
_PROFILE_SPACES: Final = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}


def developed(image: Image.Image, max_pixels: int) -> Image.Image:
    """Return a loaded frame as an RGB picture of at most so many pixels, as a viewer shows it."""
    turn = orientation_of(image)
    profile = image.info.get("icc_profile")
    frame = _shrunk(_plain(image), max_pixels)
    if isinstance(profile, bytes):
        frame = _in_srgb(frame, profile)
    if turn in _TURNS:
        frame = frame.transpose(_TURNS[turn])
    return _opaque(frame)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1, which is upright, where it can't be read."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - EXIF is hostile bytes, and readers raise what they like
        return 1
    return found if found in _TURNS else 1


def upright_size(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Return a size as it is after the image's orientation."""
    return (size[1], size[0]) if orientation_of(image) in _SIDEWAYS else size


def _plain(image: Image.Image) -> Image.Image:
    """Return the image as L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I;16"):
        image = image.convert("I")
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in {"I", "F"}:
        return _stretched(image)
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _PROFILE_SPACES else image.convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    """Return an image of wide numbers as grey levels, from its darkest to its lightest."""
    low, high = image.getextrema()
    if not (isinstance(low, int | float) and isinstance(high, int | float)) or high <= low:
        return Image.new("L", image.size)
    scale = 255 / (high - low)
    return image.convert("F").point(lambda value: value * scale + -low * scale).convert("L")


def _shrunk(image: Image.Image, max_pixels: int) -> Image.Image:
    size = shrunk_size(image.size, max_pixels)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def shrunk_size(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Return the largest size of the same shape that has at most so many pixels."""
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = (max_pixels / (width * height)) ** 0.5
    # A line of one pixel stays one pixel, so the other side makes up for it.
    narrow = max(1, int(min(size) * scale))
    long = max(1, min(int(max(size) * scale), max_pixels // narrow))
    return (long, narrow) if width >= height else (narrow, long)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the image with its colours as they look; unchanged if the profile is of no use."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    try:
        transform = _transform(profile, colours.mode)
        shown = ImageCms.applyTransform(colours, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if shown is None:
        return image
    if alpha:
        shown.putalpha(alpha)
    return shown


@lru_cache(maxsize=4)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if given.profile.xcolor_space.strip() != _PROFILE_SPACES[mode]:
        raise ValueError("the profile is for other colours")
    return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")


def _opaque(image: Image.Image) -> Image.Image:
    """Return the image on white, or on black where what can be seen of it is nearly white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    alpha = image.getchannel("A")
    levels = image.convert("L").histogram(alpha.point(_SEEN_ALPHA))
    seen = sum(levels)
    is_light = sum(level * count for level, count in enumerate(levels)) >= _LIGHT * seen
    shown = Image.new("RGB", image.size, "black" if seen and is_light else "white")
    shown.paste(image, mask=alpha)
    return shown

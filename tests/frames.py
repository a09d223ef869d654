"""Frames and samples made of NumPy arrays, for what looks at decoded pictures."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from gaveld.domain.image_signals import ImageSample
from gaveld.domain.media import Frame, MediaFacts, MediaKind, Picture
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.policies import Policy

Rgb = npt.NDArray[np.uint8]


def frame_of(pixels: Rgb, index: int = 0) -> Frame:
    """A frame of ``[height, width, 3]``."""
    height, width, _ = pixels.shape
    return Frame(index, index / 10, width, height, memoryview(pixels.tobytes()))


def sample_of(*pictures: Rgb) -> ImageSample:
    """A sample whose frames are these, each two places after the one before."""
    frames = tuple(frame_of(pixels, 2 * number) for number, pixels in enumerate(pictures))
    first = frames[0]
    facts = MediaFacts(
        sha256="0" * 64,
        format=MediaFormat.GIF,
        kind=MediaKind.ANIMATION if len(frames) > 1 else MediaKind.IMAGE,
        width_pixels=first.width,
        height_pixels=first.height,
        frame_count=2 * len(frames),
        judged_frame_count=len(frames),
        byte_count=1,
    )
    return ImageSample(Picture(facts, frames), Policy("test", {}))


def seen(*pictures: Image.Image) -> ImageSample:
    """A sample whose frames are pictures of Pillow's."""
    return sample_of(*(np.asarray(picture.convert("RGB")) for picture in pictures))


def plain(red: int, green: int, blue: int, side: int = 64) -> Rgb:
    """A square of one colour."""
    return np.full((side, side, 3), (red, green, blue), np.uint8)


def noise(seed: int, height: int = 120, width: int = 160) -> Rgb:
    """Pixels that have nothing to do with each other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def waves(seed: int, height: int = 240, width: int = 320) -> Rgb:
    """A picture with large, soft shapes, the same at any size; another for each seed."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    y, x = (y + 0.5) / height, (x + 0.5) / width
    total = np.zeros((height, width, 3))
    for _ in range(24):
        down, across = random.uniform(-9, 9, 2)
        strength, turn = random.uniform(0, 1, 3), random.uniform(0, 7)
        total += strength * np.sin(2 * np.pi * (down * y + across * x) + turn)[:, :, None]
    low, high = total.min(), total.max()
    return ((total - low) / (high - low) * 255).astype(np.uint8)

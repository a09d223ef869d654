"""Frames as JPEG files: how large, how faithful, and what is not in them."""

import io

import numpy as np
import pytest
from PIL import Image

from gaveld.adapters.image.jpeg import JpegFrameEncoder
from tests.frames import frame_of, plain, waves


@pytest.fixture
def encoder():
    made = JpegFrameEncoder(max_side=128)
    yield made
    made.close()


async def opened(encoder, pixels) -> Image.Image:
    return Image.open(io.BytesIO(await encoder.encode(frame_of(pixels))))


@pytest.mark.parametrize(
    ("size", "comes_as"),
    [
        ((100, 80), (100, 80)),
        ((128, 128), (128, 128)),
        ((512, 256), (128, 64)),
        ((256, 512), (64, 128)),
        ((5000, 1), (128, 1)),
        ((1, 1), (1, 1)),
    ],
)
async def test_no_file_is_larger_than_asked_for(encoder, size, comes_as):
    """Law: the longer side is bounded, the shape stays, and small frames are left as they are."""
    picture = await opened(encoder, np.zeros((size[1], size[0], 3), np.uint8))
    assert picture.size == comes_as


async def test_the_colours_stay(encoder):
    """Law: what a reviewer sees is what was in the frame."""
    red, green, blue = (await opened(encoder, plain(200, 40, 90))).convert("RGB").getpixel((5, 5))
    assert (red, green, blue) == pytest.approx((200, 40, 90), abs=6)


async def test_the_file_says_nothing_of_where_it_comes_from(encoder):
    """Law: there are pixels in it, and no places, names or times."""
    picture = await opened(encoder, waves(1))
    assert not picture.getexif()
    assert not set(picture.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}

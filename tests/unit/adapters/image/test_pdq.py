"""What the PDQ hash promises: the bits of the published algorithm, and that they stay."""

import io

import numpy as np
import pytest
from PIL import Image

from gaveld.adapters.image.hashes.pdq import HASH_BYTES, picture_hash
from gaveld.domain.image_signals import HASH_BITS, MIN_QUALITY, USUAL_DISTANCE
from tests.frames import Rgb, frame_of, noise, plain, waves

# What the package pdqhash 0.2.8, which wraps the algorithm's own code, says of `waves`.
REFERENCE = (
    (1, 240, 320, "3f8a99212bfc97deb2b66faada346c5b5f750c9a462042baca757a10c3a0ca1a", 100),
    (2, 64, 64, "ff29220248f6dd9dd856e28024c3df96a43cd5917a2b1d80fafdb25f65489368", 100),
    (3, 97, 640, "58caf1a9d392d28ffb4515a64ed2a59ac2d5865fcd6590253f4f62d22b68c14c", 100),
    (4, 640, 97, "7fa5228f8dd855d2ada906379224fa259235ba95d751520cd64656af83c6b90f", 100),
    (5, 30, 41, "2e9f5f7e0f9f5dc10ea8ad9531684b6a60c14b5c3bfef075f52aa3a2150031a1", 100),
    (6, 512, 512, "b4a41fbe4eb298a1ef8c5d3c04ebfd12782813de29ebd4fe216910b4b1dee00a", 100),
)
ROUNDED_BITS = 2
"""So many may lie so near to the median that another CPU's sine decides."""


def distance(first: bytes, second: bytes) -> int:
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def hash_of(pixels: Rgb) -> bytes:
    return picture_hash(frame_of(pixels)).value


@pytest.mark.parametrize(("seed", "height", "width", "value", "quality"), REFERENCE)
def test_hashes_are_those_of_the_published_algorithm(seed, height, width, value, quality):
    """Law: banks that others made with PDQ fit."""
    found = picture_hash(frame_of(waves(seed, height, width)))
    assert distance(found.value, bytes.fromhex(value)) <= ROUNDED_BITS
    assert found.quality == quality


def test_fine_grain_hashes_as_published_too():
    """Law: what every pixel changes is blurred in the published way."""
    value = "81dd999478f0b88e3c7653e858baeb2a7d68e272377bfc904fc1223523953229"
    assert distance(hash_of(noise(7)), bytes.fromhex(value)) <= ROUNDED_BITS


@pytest.mark.parametrize("size", [(120, 160), (480, 640), (240, 240), (60, 80)])
def test_a_scaled_picture_stays_the_same(size):
    """Law: size and proportions matter less than a bank's usual distance."""
    assert distance(hash_of(waves(1)), hash_of(waves(1, *size))) <= USUAL_DISTANCE


@pytest.mark.parametrize("quality", [90, 20, 5])
def test_a_resaved_picture_stays_the_same(quality):
    """Law: JPEG's losses matter less than a bank's usual distance."""
    file = io.BytesIO()
    Image.fromarray(waves(1)).save(file, "JPEG", quality=quality)
    resaved = np.asarray(Image.open(file))
    assert distance(hash_of(waves(1)), hash_of(resaved)) <= USUAL_DISTANCE


def test_a_darker_picture_stays_the_same():
    """Law: brightness is compared with the picture's own."""
    darker = (waves(1) * 0.6).astype(np.uint8)
    assert distance(hash_of(waves(1)), hash_of(darker)) <= USUAL_DISTANCE


def test_unrelated_pictures_are_far_apart():
    """Law: about half of the bits differ between pictures that have nothing in common."""
    hashes = [hash_of(waves(seed)) for seed in range(12)]
    distances = [distance(a, b) for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(distances) > 3 * USUAL_DISTANCE
    assert max(distances) < HASH_BITS - 3 * USUAL_DISTANCE


def test_a_tall_picture_is_read_to_its_end():
    """Law: what stands in the last rows counts, however many come before."""
    tall = np.concatenate([waves(1, 700, 90), waves(2, 700, 90)])
    other = np.concatenate([waves(1, 700, 90), waves(3, 700, 90)])
    assert distance(hash_of(tall), hash_of(other)) > USUAL_DISTANCE


@pytest.mark.parametrize(
    "pixels", [plain(200, 10, 10), plain(255, 255, 255, 5), waves(1, 4, 300), waves(1, 300, 4)]
)
def test_little_detail_is_little_quality(pixels):
    """Law: one colour, and what is a few pixels wide, can't be told apart and says so."""
    found = picture_hash(frame_of(pixels))
    assert found.quality < MIN_QUALITY
    assert len(found.value) == HASH_BYTES


def test_quality_grows_with_contrast():
    """Law: quality is 0 for nothing, 100 at the most, and between for what is faint."""
    faint = [(waves(1) * share).astype(np.uint8) for share in (0.0, 0.05, 0.2, 1.0)]
    qualities = [picture_hash(frame_of(pixels)).quality for pixels in faint]
    assert qualities == sorted(qualities)
    assert qualities[0] == 0
    assert 0 < qualities[2] < qualities[3] <= 100

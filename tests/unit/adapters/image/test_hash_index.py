"""The index finds exactly what counting every bit would find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.image.hashes.index import _ROWS_AT_ONCE, HashIndex

SOME = np.random.default_rng(0).integers(0, 256, (500, 32), np.uint8)


def nearby(value: bytes, bits: set[int]) -> bytes:
    """The hash with these bits turned."""
    number = int.from_bytes(value)
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32)


def counted(hashes, value: bytes, max_distance: int) -> list[tuple[int, int]]:
    """What comparing one by one finds."""
    found = [
        (number, (int.from_bytes(entry.tobytes()) ^ int.from_bytes(value)).bit_count())
        for number, entry in enumerate(hashes)
    ]
    return [(number, distance) for number, distance in found if distance <= max_distance]


def found(index: HashIndex, value: bytes, max_distance: int) -> list[tuple[int, int]]:
    positions, distances = index.near(value, max_distance)
    return list(zip(positions.tolist(), distances.tolist(), strict=True))


@settings(deadline=None)
@given(
    number=st.integers(0, len(SOME) - 1),
    bits=st.sets(st.integers(0, 255)),
    max_distance=st.integers(0, 256),
)
def test_near_is_what_counting_finds(number, bits, max_distance):
    """Law: no hash within the distance is missed and none beyond is found, at any distance."""
    value = nearby(SOME[number].tobytes(), bits)
    assert found(HashIndex(SOME), value, max_distance) == counted(SOME, value, max_distance)


@pytest.mark.parametrize("size", [0, 1, _ROWS_AT_ONCE - 1, _ROWS_AT_ONCE, _ROWS_AT_ONCE + 1])
def test_every_stretch_is_gone_through(size):
    """Law: the first and the last of any number are found."""
    hashes = np.random.default_rng(1).integers(0, 256, (size, 32), np.uint8)
    index = HashIndex(hashes)
    assert len(index) == size
    for number in {0, size - 1} & set(range(size)):
        value = nearby(hashes[number].tobytes(), {0, 100, 255})
        assert found(index, value, 31) == [(number, 3)]
    assert found(index, bytes(range(32)), 31) == []


def test_the_opposite_is_no_match():
    """Law: a hash of which every bit differs is as far away as one can be."""
    value = SOME[3].tobytes()
    opposite = nearby(value, set(range(256)))
    assert found(HashIndex(SOME[3:4]), opposite, 128) == []
    assert found(HashIndex(SOME[3:4]), opposite, 256) == [(0, 256)]

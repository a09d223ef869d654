"""How frames are made ready for the network, and how it is loaded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.image.nsfw_model.conversion import onnx_from, weights_from
from gaveld.adapters.image.nsfw_model.network import SIDE, NsfwNetwork, prepared
from tests.frames import frame_of, noise, plain
from tests.unit.adapters.image.tiny_graph import CLASSES, expected, tiny_nodes, tiny_weights


def interpolated(pixels, row: int, column: int) -> np.ndarray:
    """One place of the square by the textbook: corner on corner, bilinear, 0–1."""
    height, width, _ = pixels.shape
    y, x = row * (height - 1) / (SIDE - 1), column * (width - 1) / (SIDE - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    corners = pixels.astype(np.float64) / 255
    above = corners[top, left] * (1 - across) + corners[top, right] * across
    below = corners[bottom, left] * (1 - across) + corners[bottom, right] * across
    return above * (1 - down) + below * down


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    places=st.lists(st.tuples(*[st.integers(0, SIDE - 1)] * 2), min_size=1, max_size=20),
)
def test_every_place_lies_between_its_four_pixels(height, width, places):
    """Law: any frame becomes 224 × 224 as the network's own package does it."""
    pixels = noise(height * 1_000 + width, height, width)
    ready = prepared(frame_of(pixels))
    assert ready.shape == (SIDE, SIDE, 3)
    assert ready.dtype == np.float32
    for row, column in [*places, (0, 0), (SIDE - 1, SIDE - 1)]:
        assert np.abs(ready[row, column] - interpolated(pixels, row, column)).max() < 1e-5


def test_a_frame_of_the_right_size_is_not_changed():
    """Law: nothing is blurred that need not be."""
    pixels = noise(1, SIDE, SIDE)
    assert (prepared(frame_of(pixels)) == pixels.astype(np.float32) / np.float32(255)).all()


def test_the_network_answers_each_frame_by_itself(tmp_path):
    """Law: a frame's classes do not depend on what shares its batch."""
    side = 8
    weights = weights_from(*tiny_weights(side))
    file = tmp_path / "tiny.onnx"
    file.write_bytes(onnx_from(tiny_nodes(side), weights, "test"))
    network = NsfwNetwork(file)
    frames = np.random.default_rng(2).random((5, side, side, 3), np.float32)
    together = network.classes(frames)
    assert together.shape == (5, CLASSES)
    assert np.abs(together - expected(weights, frames.astype(np.float64))).max() < 1e-5
    alone = np.concatenate([network.classes(frames[number : number + 1]) for number in range(5)])
    assert np.abs(alone - together).max() < 1e-6
    assert network.name.startswith("onnxruntime-")


def test_frames_of_any_size_share_a_batch(tmp_path):
    """Law: each frame is made ready by itself, and answers come in the frames' order."""
    file = tmp_path / "tiny.onnx"
    file.write_bytes(onnx_from(tiny_nodes(SIDE), weights_from(*tiny_weights(SIDE)), "test"))
    network = NsfwNetwork(file)
    frames = [frame_of(pixels) for pixels in (plain(255, 0, 0, 9), noise(1), noise(2, 30, 7))]
    together = network.look_at(frames)
    alone = [network.look_at([frame])[0] for frame in frames]
    assert np.abs(together - alone).max() < 1e-6
    assert np.ptp(together, axis=0).max() > 1e-4, "they differ, so that order shows"


def test_what_is_no_network_is_refused(tmp_path):
    """Law: a damaged file is one clear error that names it."""
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"model\.onnx can't be loaded"):
        NsfwNetwork(file)


def test_a_colour_keeps_its_channels():
    """Law: red is the first channel and stays so."""
    ready = prepared(frame_of(plain(255, 128, 0)))
    assert np.allclose(ready, np.array([1, 128 / 255, 0], np.float32), atol=1e-6)

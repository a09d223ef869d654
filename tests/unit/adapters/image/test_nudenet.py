"""How NudeNet is shown a picture, how its answer is read, and what each part comes to."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.image.nudenet import network
from gaveld.adapters.image.nudenet.classifier import MOST_FINDINGS, NudeNetClassifier
from gaveld.adapters.image.nudenet.network import (
    SIDE,
    Detection,
    NudeNetNotInstalled,
    NudeNetwork,
    detections,
    installed_network,
    installed_version,
    prepared,
)
from gaveld.adapters.image.nudenet.parts import PARTS
from gaveld.domain.image_signals import BoundingBox
from tests.frames import frame_of, noise, plain, sample_of, waves
from tests.unit.adapters.image.tiny_nudenet import answer_of, part, tiny_network

WHOLE = (160.0, 160.0, 320.0, 320.0)


class Sees:
    """Says the same of every frame."""

    digest, engine = "0" * 8, "eyes-1"

    def __init__(self, *found: tuple[str, float]) -> None:
        self.said = tuple(
            Detection(PARTS[part(name)], score, BoundingBox(0.1, 0.2, 0.3, 0.4))
            for name, score in found
        )

    def look_at(self, frame):
        return self.said


@pytest.fixture
def made():
    """Make classifiers that are closed after the test."""
    classifiers: list[NudeNetClassifier] = []

    def make(detector, **options) -> NudeNetClassifier:
        classifiers.append(NudeNetClassifier(detector, "3.4.2", **options))
        return classifiers[-1]

    yield make
    for classifier in classifiers:
        classifier.close()


def test_a_frame_of_the_networks_own_size_is_shown_as_it_is():
    """Law: colours are red, green, blue, from 0 to 1, and no pixel is moved."""
    pixels = noise(1, SIDE, SIDE)
    shown = prepared(frame_of(pixels))
    assert shown.shape == (1, 3, SIDE, SIDE)
    assert shown.dtype == np.float32
    assert shown[0] == pytest.approx(pixels.transpose(2, 0, 1) / 255)


@pytest.mark.parametrize(("height", "width"), [(100, 200), (200, 100), (1, 7), (1_000, 3)])
def test_what_a_frame_lacks_to_a_square_is_black(height: int, width: int):
    """Law: the frame is at the top and at the left, in its own proportions."""
    shown = prepared(frame_of(np.full((height, width, 3), 255, np.uint8)))[0, 0]
    down, across = (np.array([height, width]) * SIDE / max(height, width)).round().astype(int)
    blur = -(-SIDE // max(height, width))  # the edge lies between two pixels
    inner = shown[: max(0, down - blur), : max(0, across - blur)]
    assert (inner == 1).all()
    assert (shown[down + blur :] == 0).all()
    assert (shown[:, across + blur :] == 0).all()


def test_half_the_size_is_the_mean_of_the_nearest_four():
    """Law: a frame is made smaller by bilinear interpolation, centre on centre."""
    pixels = noise(2, 2 * SIDE, 2 * SIDE)
    four = pixels.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3))
    assert prepared(frame_of(pixels))[0] == pytest.approx(four.transpose(2, 0, 1) / 255, abs=1e-5)


def test_a_box_is_in_fractions_of_the_frame():
    """Law: boxes of the padded square become boxes of the picture, cut at its edges."""
    answer = answer_of(
        ("female face", 0.9, (80, 40, 40, 20)),
        ("exposed belly", 0.8, (200, 100, 100, 50)),
        ("exposed feet", 0.7, (310, 155, 60, 30)),
    )
    face, belly, feet = detections(answer, width=640, height=320)
    assert face.box == pytest.approx((60 / 320, 30 / 160, 40 / 320, 20 / 160))
    assert belly.box == pytest.approx((150 / 320, 75 / 160, 100 / 320, 50 / 160))
    assert feet.box == pytest.approx((280 / 320, 140 / 160, 40 / 320, 20 / 160))
    assert [round(found.score, 6) for found in (face, belly, feet)] == [0.9, 0.8, 0.7]


def test_what_lies_beyond_the_frame_is_nothing():
    """Law: a box that lies wholly in the black beside the picture is no detection."""
    answer = answer_of(("female face", 0.9, (160, 300, 20, 20)))
    assert detections(answer, width=640, height=320) == ()


def test_of_boxes_on_one_place_the_likeliest_counts():
    """Law: boxes that share more than 0.45 are one thing; those that share less are two."""
    answer = answer_of(
        ("covered female breast", 0.5, (100, 100, 40, 40)),
        ("exposed female breast", 0.6, (102, 100, 40, 40)),
        ("exposed belly", 0.4, (100, 125, 40, 40)),
        ("exposed belly", 0.3, (200, 200, 40, 40)),
        ("exposed belly", 0.25, (20, 200, 30, 30)),
    )
    found = detections(answer, SIDE, SIDE)
    assert [(entry.part.name, round(entry.score, 6)) for entry in found] == [
        ("exposed female breast", 0.6),
        ("exposed belly", 0.4),
        ("exposed belly", 0.3),
    ]


@given(
    seed=st.integers(0, 2**32 - 1),
    places=st.integers(0, 60),
    size=st.tuples(st.integers(1, 4_000), st.integers(1, 4_000)),
)
def test_whatever_the_answer_boxes_lie_in_the_frame(seed: int, places: int, size):
    """Law: scores are 0–1, boxes within the picture, and the likeliest comes first."""
    random = np.random.default_rng(seed)
    answer = random.uniform(-1, 1.2, (4 + len(PARTS), places)).astype(np.float32)
    answer[:4] = random.uniform(-100, 500, (4, places))
    found = detections(answer, *size)
    scores = [entry.score for entry in found]
    assert scores == sorted(scores, reverse=True)
    for entry in found:
        left, top, width, height = entry.box
        assert 0 < entry.score <= 1
        assert min(left, top) >= 0
        assert min(width, height) > 0
        assert max(left + width, top + height) <= 1 + 1e-6


SHARES = {
    "exposed female genitals": (1.0, 1.0),
    "exposed male genitals": (1.0, 1.0),
    "exposed anus": (1.0, 1.0),
    "exposed female breast": (0.5, 1.0),
    "exposed buttocks": (0.5, 1.0),
    "covered female genitals": (0.0, 0.5),
    "covered anus": (0.0, 0.5),
    "covered female breast": (0.0, 0.5),
    "covered buttocks": (0.0, 0.5),
}


@pytest.mark.parametrize("name", [entry.name for entry in PARTS])
async def test_a_part_counts_for_its_categories(made, name: str):
    """Law: each part has its shares of A1 and A2, and faces, feet and the like have none."""
    report = await made(Sees((name, 0.8))).classify(sample_of(plain(1, 2, 3)))
    shares = zip(("A1", "A2"), SHARES.get(name, (0.0, 0.0)), strict=True)
    expected = {category: 0.8 * share for category, share in shares if share}
    assert {found.category_id: found.score for found in report.findings} == pytest.approx(expected)
    for found in report.findings:
        assert found.reason == f"Shows {name}."
        assert found.box == BoundingBox(0.1, 0.2, 0.3, 0.4)


async def test_every_frame_is_looked_at(made):
    """Law: a finding names its frame by its place in the file."""
    sample = sample_of(plain(1, 2, 3), waves(1), noise(1))
    report = await made(Sees(("exposed anus", 0.8))).classify(sample)
    assert sorted({found.frame_index for found in report.findings}) == [0, 2, 4]


async def test_the_likeliest_are_reported(made):
    """Law: findings are bounded, and the most likely are kept."""
    scores = [0.3 + 0.001 * number for number in range(200)]
    sees = Sees(*(("covered buttocks", score) for score in scores))
    report = await made(sees).classify(sample_of(plain(1, 2, 3)))
    kept = [found.score for found in report.findings]
    assert kept == pytest.approx(sorted((0.5 * score for score in scores), reverse=True)[:64])
    assert len(kept) == MOST_FINDINGS


async def test_frames_that_wait_are_dropped_with_their_caller(made):
    """Law: a cancelled call returns at once, and what had not begun is never looked at."""
    begun, go = threading.Event(), threading.Event()
    looks = []

    class Slow(Sees):
        def look_at(self, frame):
            looks.append(frame)
            begun.set()
            go.wait()
            return ()

    classifier = made(Slow(), threads=1)
    first = asyncio.create_task(classifier.classify(sample_of(plain(1, 2, 3))))
    await asyncio.to_thread(begun.wait)
    second = asyncio.create_task(classifier.classify(sample_of(plain(4, 5, 6), waves(1))))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go.set()
    await first
    classifier.close()
    classifier._lane.shutdown(wait=True)
    assert len(looks) == 1


async def test_a_network_of_another_shape_is_refused(made, tmp_path: Path):
    """Law: warming up proves the network, so that a wrong one is found before the first call."""
    file = tmp_path / "other.onnx"
    file.write_bytes(tiny_network(("female face", 0.9, WHOLE)))
    good = NudeNetwork(file)
    await made(good).warm_up()

    class Other(NudeNetwork):
        def __init__(self):
            super().__init__(file)
            self._session = self

        def run(self, outputs, inputs):
            return [np.zeros((1, 84, 2_100), np.float32)]

    with pytest.raises(ValueError, match="another shape"):
        await made(Other()).warm_up()


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    """Law: the error names the file and repeats nothing of it."""
    file = tmp_path / "320n.onnx"
    file.write_bytes(b"something")
    with pytest.raises(ValueError, match=r"320n\.onnx can't be loaded"):
        NudeNetwork(file)


def test_a_package_that_is_missing_is_an_error_of_its_own(monkeypatch, tmp_path: Path):
    """Law: without the package, or with one that lacks its network, there is nothing to load."""
    monkeypatch.setattr(network, "PACKAGE", "nudenet_that_nobody_has")
    with pytest.raises(NudeNetNotInstalled):
        installed_network()
    with pytest.raises(NudeNetNotInstalled):
        installed_version()
    (tmp_path / "nudenet_that_nobody_has").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NudeNetNotInstalled):
        installed_network()

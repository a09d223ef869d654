"""What the network's classes come to: scores of every frame, and findings of the worst."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.image.nsfw_model.classifier import (
    SCORE_FLOOR,
    OnnxNsfwClassifier,
    category_scores,
)
from gaveld.adapters.image.nsfw_model.network import CLASSES
from gaveld.domain.image_signals import ImageClass
from tests.frames import plain, sample_of

PORN, SEXUAL, HENTAI, DRAWING, NEUTRAL = ImageClass


class ColourNetwork:
    """Takes red for pornography, green for drawn pornography, blue for what is sexual.

    Whatever of full brightness is left is neutral.
    """

    name = "colours"

    def look_at(self, frames):
        means = [np.frombuffer(frame.rgb, np.uint8).reshape(-1, 3).mean(axis=0) for frame in frames]
        red, green, blue = np.array(means).T / (3 * 255)
        shares = {PORN: red, HENTAI: green, SEXUAL: blue, NEUTRAL: 1 - red - green - blue}
        return np.stack([shares.get(name, np.zeros(len(frames))) for name in CLASSES], axis=1)


class BrokenNetwork(ColourNetwork):
    def look_at(self, frames):
        return np.full((len(frames), len(CLASSES)), np.nan)


@pytest.fixture
def classifier():
    made = OnnxNsfwClassifier(ColourNetwork(), frames_a_batch=3)
    yield made
    made.close()


def shares(**given: float):
    scores = dict.fromkeys(ImageClass, 0.0)
    scores |= {ImageClass(name): score for name, score in given.items()}
    return scores


async def test_every_frame_has_its_classes(classifier):
    """Law: scores stand under the frame's index in the file, and add up to 1."""
    report = await classifier.classify(sample_of(plain(255, 0, 0), plain(0, 255, 0)))
    assert list(report.frame_scores) == [0, 2]
    assert report.frame_scores[0][PORN] == pytest.approx(1 / 3)
    assert report.frame_scores[2][HENTAI] == pytest.approx(1 / 3)
    for scores in report.frame_scores.values():
        assert set(scores) == set(ImageClass)
        assert sum(scores.values()) == pytest.approx(1)


async def test_the_worst_frame_decides_and_is_named(classifier):
    """Law: one finding for each category, of the frame where it is strongest."""
    frames = [plain(10, 0, 0), plain(200, 0, 0), plain(100, 0, 250), plain(0, 0, 0), plain(9, 9, 9)]
    report = await classifier.classify(sample_of(*frames))
    found = {finding.category_id: finding for finding in report.findings}
    assert found["A1"].frame_index == 2
    assert found["A1"].score == pytest.approx(200 / 765, abs=1e-3)
    assert found["A2"].frame_index == 4
    assert found["A2"].score == pytest.approx(100 / 765 + 125 / 765, abs=1e-3)
    assert len(report.findings) == 2
    assert len(report.frame_scores) == len(frames)


async def test_a_harmless_picture_has_no_finding(classifier):
    """Law: below the floor nothing is reported, and the picture was read."""
    report = await classifier.classify(sample_of(plain(2, 0, 0)))
    assert (report.findings, report.unread) == ((), "")


async def test_a_network_without_probabilities_is_no_detector():
    """Law: warming up proves that the answers can be used."""
    classifier = OnnxNsfwClassifier(BrokenNetwork())
    with pytest.raises(ValueError, match="no probabilities"):
        await classifier.warm_up()
    classifier.close()


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda some: sum(some) > 0.1))
def test_categories_are_probabilities(some):
    """Law: whatever the classes, a category's score is 0–1, and nudity covers what is explicit."""
    total = sum(some)
    scores = category_scores(dict(zip(ImageClass, (part / total for part in some), strict=True)))
    assert 0 <= scores["A1"] <= scores["A2"] <= 1


def test_what_is_merely_sexual_is_half_a_case_of_nudity():
    """Law: no picture comes above an even chance of nudity by swimwear alone."""
    assert category_scores(shares(sexual=1)) == {"A1": 0, "A2": 0.5}
    assert category_scores(shares(porn=1)) == {"A1": 1, "A2": 1}
    assert category_scores(shares(hentai=0.6, drawing=0.4)) == {"A1": 0.6, "A2": 0.6}
    assert max(category_scores(shares(neutral=0.5, drawing=0.5)).values()) < SCORE_FLOOR

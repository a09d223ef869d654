"""Descriptions say what is known of a picture, and nothing that is not."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.domain.descriptions import QUOTED_CHARACTERS, describe
from gaveld.domain.image_signals import ImageClass, ImageCode, ImageText
from gaveld.domain.media import MediaFacts, MediaKind
from gaveld.domain.media_formats import MediaFormat

STILL = MediaFacts("0" * 64, MediaFormat.PNG, MediaKind.IMAGE, 1_280, 720, 1, 1, 5_000)
MOVING = replace(STILL, kind=MediaKind.ANIMATION, frame_count=1_200, judged_frame_count=24)
QR, EAN = ImageCode("QRCode", "https://a.example"), ImageCode("EAN-13", "4006381333931")


def scores(**classes: float) -> dict[ImageClass, float]:
    return {ImageClass(name): score for name, score in classes.items()}


@pytest.mark.parametrize(
    ("facts", "classes", "texts", "codes", "expected"),
    [
        (STILL, None, [], [], "A picture, 1,280 × 720 pixels."),
        (STILL, scores(drawing=0.9), [], [], "A drawing, 1,280 × 720 pixels."),
        (STILL, scores(drawing=0.5, neutral=0.5), [], [], "A picture, 1,280 × 720 pixels."),
        (
            STILL,
            scores(neutral=0.97),
            ["SALE", "50 %  off", "SALE"],
            [QR],
            (
                "A picture without nudity with the text “SALE 50 % off” and a QR code, "
                "1,280 × 720 pixels."
            ),
        ),
        (STILL, None, [], [EAN], "A picture with a bar code, 1,280 × 720 pixels."),
        (STILL, None, [], [QR, EAN], "A picture with 2 codes, 1,280 × 720 pixels."),
        (
            MOVING,
            scores(sexual=0.8),
            [],
            [],
            "A suggestive animation of 1,200 frames, 1,280 × 720 pixels.",
        ),
    ],
)
def test_evidence_makes_the_sentence(facts, classes, texts, codes, expected: str):
    """Law: each part of the sentence stands for something that was found; nothing else is said."""
    read = [ImageText(text, 0.9) for text in texts]
    assert describe(facts, classes, read, codes) == expected


@settings(deadline=None)
@given(st.lists(st.text(max_size=200), max_size=5))
def test_it_stays_one_short_sentence(texts: list[str]):
    """Law: however much is written in a picture, one line of bounded length says it."""
    said = describe(STILL, None, [ImageText(text, 0.9) for text in texts], [])
    assert len(said) <= QUOTED_CHARACTERS + 80
    assert said.splitlines() == [said]

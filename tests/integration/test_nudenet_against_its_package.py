"""NudeNet's own network, as we run it, says what its own package says of the same pixels.

The package comes with the lock that tests are run from. No picture here shows a person: they are
drawn, and the network knows a drawn face.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from gaveld.adapters.image.nudenet.classifier import NudeNetClassifier
from gaveld.adapters.image.nudenet.network import (
    SIDE,
    Detection,
    NudeNetwork,
    detections,
    installed_network,
    installed_version,
    prepared,
)
from gaveld.adapters.image.nudenet.parts import PARTS
from gaveld.domain.media import Frame
from tests.frames import Rgb, frame_of, noise, plain, sample_of, waves

ORACLE = Path(__file__).with_name("nudenet_oracle.py")
ROUNDING = 1.01 / 255
"""The package makes pictures smaller in whole steps of a colour; we don't."""

THEIR_NAMES = (
    *("FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED"),
    *("FEMALE_GENITALIA_EXPOSED", "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED"),
    *("BELLY_COVERED", "FEET_COVERED", "ARMPITS_COVERED", "ARMPITS_EXPOSED", "FACE_MALE"),
    *("BELLY_EXPOSED", "MALE_GENITALIA_EXPOSED", "ANUS_COVERED", "FEMALE_BREAST_COVERED"),
    "BUTTOCKS_COVERED",
)


def drawn_face(width: int = 300, height: int = 400) -> Rgb:
    """A head with hair, eyes, nose and mouth, a little out of focus."""
    picture = Image.new("RGB", (width, height), (90, 120, 160))
    draw = ImageDraw.Draw(picture)
    middle, up, skin, dark = width / 2, 180, (120, 80, 60), (40, 25, 15)
    draw.ellipse((middle - 69, up - 87, middle + 69, up + 60), fill=(50, 32, 22))
    draw.rectangle((middle - 24, up + 48, middle + 24, up + 120), fill=skin)
    draw.ellipse((middle - 51, up - 69, middle + 51, up + 72), fill=skin)
    for eye in (middle - 23, middle + 23):
        draw.ellipse((eye - 11, up - 17, eye + 11, up - 7), fill="white")
        draw.ellipse((eye - 5, up - 17, eye + 5, up - 7), fill=dark)
        draw.arc((eye - 15, up - 33, eye + 15, up - 12), 200, 340, fill=dark, width=4)
    draw.polygon(
        [(middle, up - 6), (middle - 8, up + 21), (middle + 8, up + 21)], fill=(105, 70, 52)
    )
    draw.ellipse((middle - 20, up + 33, middle + 20, up + 45), fill=(180, 70, 70))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(3)))


FRAMES: dict[str, Frame] = {
    "a drawn face": frame_of(drawn_face()),
    "a drawn face in a wide picture": frame_of(drawn_face(720, 400)),
    "noise": frame_of(noise(1, 200, 300)),
    "waves at the network's own size": frame_of(waves(2, SIDE, SIDE)),
    "a tall strip": frame_of(waves(3, 640, 40)),
    "a few pixels": frame_of(noise(4, 5, 3)),
    "one colour": frame_of(plain(220, 170, 140)),
}


def random_answer(seed: int, width: int, height: int) -> dict[str, Any]:
    """An answer as crowded as the network's never is: many boxes, near each other and not."""
    random = np.random.default_rng(seed)
    places = 120
    values = random.uniform(0, 0.2, (4 + len(PARTS), places))
    values[4 + random.integers(0, len(PARTS), places), np.arange(places)] = random.uniform(
        0.1, 0.95, places
    )
    inside = np.array([width, height]) * SIDE / max(width, height)
    values[:2] = random.uniform(0.35, 0.65, (2, places)) * inside[:, None]
    values[2:4] = random.uniform(0.05, 0.6, (2, places)) * inside[:, None]
    return {"width": width, "height": height, "values": values.astype(np.float32).tolist()}


ANSWERS = [
    random_answer(seed, *size)
    for seed, size in enumerate([(SIDE, SIDE), (640, 480), (480, 1_280), (100, 90)])
]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the package says of every frame and answer."""
    frames = [
        {
            "width": frame.width,
            "height": frame.height,
            "rgb": base64.b64encode(frame.rgb).decode(),
        }
        for frame in FRAMES.values()
    ]
    ran = subprocess.run(
        [sys.executable, ORACLE],
        input=json.dumps({"frames": frames, "answers": ANSWERS}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def network() -> NudeNetwork:
    return NudeNetwork(installed_network())


def assert_same(
    found: tuple[Detection, ...], theirs: list[dict], width: int, height: int, near: float
):
    """The same parts on the same places, to a pixel, with scores that differ by rounding."""
    theirs = sorted(theirs, key=lambda entry: -entry["score"])
    named = dict(zip(THEIR_NAMES, PARTS, strict=True))
    assert [entry.part for entry in found] == [named[entry["class"]] for entry in theirs]
    for ours, other in zip(found, theirs, strict=True):
        assert ours.score == pytest.approx(other["score"], abs=near)
        box = [
            share * size
            for share, size in zip(ours.box, (width, height, width, height), strict=True)
        ]
        assert box == pytest.approx(other["box"], abs=1 + near * 100)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_prepared_as_the_package_does(told, name: str):
    """Law: no value that the network is shown differs by more than rounding."""
    data = base64.b64decode(told["prepared"][list(FRAMES).index(name)])
    theirs = np.frombuffer(data, np.float32).reshape(1, 3, SIDE, SIDE)
    assert prepared(FRAMES[name]) == pytest.approx(theirs, abs=ROUNDING)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_shows_what_the_package_sees(told, network, name: str):
    """Law: the same parts, scores and boxes come of the same pixels."""
    frame = FRAMES[name]
    theirs = told["detections"][list(FRAMES).index(name)]
    assert_same(network.look_at(frame), theirs, frame.width, frame.height, near=0.02)


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_an_answer_is_read_as_the_package_reads_it(told, number: int):
    """Law: which boxes count and which are dropped is as the package has it."""
    answer = ANSWERS[number]
    width, height = answer["width"], answer["height"]
    theirs = told["read"][number]
    assert len(theirs) > 5
    found = detections(np.array(answer["values"], np.float32), width, height)
    assert_same(found, theirs, width, height, near=1e-5)


async def test_the_installed_network_works(network):
    """Law: a drawn face is seen where it was drawn, and a face is no finding."""
    (face,) = network.look_at(FRAMES["a drawn face"])
    assert face.part.name in {"female face", "male face"}
    left, top, width, height = face.box
    assert left < 0.5 < left + width
    assert top < 0.45 < top + height
    classifier = NudeNetClassifier(network, installed_version())
    try:
        await classifier.warm_up()
        report = await classifier.classify(sample_of(drawn_face(), waves(1), noise(1)))
    finally:
        classifier.close()
    assert report.findings == ()
    assert classifier.card.version.startswith("3.")

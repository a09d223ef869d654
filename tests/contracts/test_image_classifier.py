"""What callers of any classifier of pictures may rely on."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gaveld.adapters.image.codes import ZxingClassifier
from gaveld.adapters.image.hashes import KnownPictures, PdqClassifier, StoredBank
from gaveld.adapters.image.hashes.banks import Entry
from gaveld.adapters.image.hashes.pdq import picture_hash
from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
from gaveld.adapters.image.nsfw_model.conversion import onnx_from, weights_from
from gaveld.adapters.image.nsfw_model.network import SIDE, NsfwNetwork
from gaveld.adapters.image.nudenet.classifier import NudeNetClassifier
from gaveld.adapters.image.nudenet.network import NudeNetwork
from gaveld.adapters.image.ocr.classifier import RapidOcrClassifier
from gaveld.adapters.image.ocr.engine import TextEngine
from gaveld.application.ports import Classifier
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.image_signals import (
    HashBank,
    HashBankKind,
    ImageCode,
    ImageFinding,
    ImageReport,
    ImageSample,
    ImageText,
)
from gaveld.domain.signals import ClassifierReport
from tests.frames import frame_of, noise, plain, sample_of, seen, waves
from tests.pictures import code, written
from tests.unit.adapters.image.tiny_graph import tiny_nodes, tiny_weights
from tests.unit.adapters.image.tiny_nudenet import tiny_network

ImageClassifier = Classifier[ImageSample]

STILL = sample_of(waves(1))
ANIMATION = sample_of(plain(0, 0, 0), waves(1), noise(1), waves(2), plain(9, 9, 9, 1), waves(3))
SAMPLES = {
    "ocr": (seen(written("Good morning")), seen(written("Good"), code("no"), written("night"))),
    "codes": (seen(code("one")), seen(written("none"), code("two"), code("590123412345", "EAN13"))),
}
"""A still picture and an animation for those who read; the others look at shapes."""


def hashes(folder: Path) -> PdqClassifier:
    entry = Entry(picture_hash(frame_of(waves(1))).value, "one")
    about = HashBank("bank", HashBankKind.BLOCK, category_id="A3")
    return PdqClassifier(KnownPictures([StoredBank.of(about, [entry])]))


def nsfw(folder: Path) -> OnnxNsfwClassifier:
    """The real thing, with a network of the right shape that was taught nothing."""
    file = folder / "tiny.onnx"
    file.write_bytes(onnx_from(tiny_nodes(SIDE), weights_from(*tiny_weights(SIDE)), "tiny"))
    return OnnxNsfwClassifier(NsfwNetwork(file))


def nudenet(folder: Path) -> NudeNetClassifier:
    """Likewise."""
    file = folder / "tiny.onnx"
    part, covered = "exposed buttocks", "covered female breast"
    file.write_bytes(tiny_network((part, 1, (80, 80, 60, 60)), (covered, 0.9, (200, 90, 60, 60))))
    return NudeNetClassifier(NudeNetwork(file), "3.4.2")


def ocr(folder: Path) -> RapidOcrClassifier:
    """The real thing."""
    return RapidOcrClassifier(TextEngine())


def codes(folder: Path) -> ZxingClassifier:
    """Likewise."""
    return ZxingClassifier()


Closable = (
    PdqClassifier | OnnxNsfwClassifier | NudeNetClassifier | RapidOcrClassifier | ZxingClassifier
)
MAKERS: dict[str, Callable[[Path], Closable]] = {
    "hashes": hashes,
    "nsfw": nsfw,
    "nudenet": nudenet,
    "ocr": ocr,
    "codes": codes,
}
READERS = {"ocr", "codes"}
"""They report what is written, and no category."""


@pytest.fixture(scope="module", params=MAKERS)
def classifier(request, tmp_path_factory) -> Iterator[ImageClassifier]:
    made = MAKERS[request.param](tmp_path_factory.mktemp(request.param))
    yield made
    made.close()


@pytest.fixture
def still(classifier: ImageClassifier) -> ImageSample:
    return SAMPLES.get(classifier.card.name, (STILL, ANIMATION))[0]


@pytest.fixture
def animation(classifier: ImageClassifier) -> ImageSample:
    return SAMPLES.get(classifier.card.name, (STILL, ANIMATION))[1]


def assert_lawful(report: ClassifierReport, classifier: ImageClassifier, sample: ImageSample):
    frames = {frame.index for frame in sample.picture.frames}
    assert isinstance(report, ImageReport)
    for finding in report.findings:
        assert isinstance(finding, ImageFinding)
        assert finding.category_id in classifier.card.categories
        assert finding.classifier == classifier.card.name
        assert finding.version == classifier.card.version
        assert finding.frame_index in frames
        assert finding.reason
    for read in (*report.texts, *report.codes):
        assert_legible(read)
        assert read.frame_index in frames
    assert not report.attributes


def assert_legible(read: ImageText | ImageCode):
    assert 0 < len(read.text.encode()) <= 4096
    assert isinstance(read, ImageCode) or 0 <= read.confidence <= 1
    assert read.box is not None
    left, top, width, height = read.box
    assert 0 <= left <= left + width <= 1 + 1e-9
    assert 0 <= top <= top + height <= 1 + 1e-9


def test_the_card_says_what_the_classifier_is(classifier: ImageClassifier):
    """Law: a card is complete, constant, and speaks of the catalogue's categories only.

    Those who read what is written speak of none: others judge it.
    """
    card = classifier.card
    assert card.name
    assert card.version
    assert card.limits
    assert bool(card.categories) != (card.name in READERS)
    assert card.categories <= set(CATALOGUE)
    assert card == classifier.card


@pytest.mark.parametrize("which", ["still", "animation"])
async def test_what_is_found_is_in_the_sample(classifier: ImageClassifier, request, which: str):
    """Law: findings are of the card's categories, and all that is found is in a frame there is."""
    sample = request.getfixturevalue(which)
    report = await classifier.classify(sample)
    assert isinstance(report, ImageReport)
    assert report.findings or report.texts or report.codes
    assert_lawful(report, classifier, sample)


async def test_the_same_sample_gives_the_same_report(
    classifier: ImageClassifier, still: ImageSample, animation: ImageSample
):
    """Law: nothing is kept from one call to the next, nor between calls at once."""
    first = await classifier.classify(animation)
    again = await asyncio.gather(*map(classifier.classify, [still, animation, still, animation]))
    assert_alike(again[1], first)
    assert_alike(again[3], first)


async def test_warming_up_changes_no_report(classifier: ImageClassifier, still: ImageSample):
    """Law: warming up is idempotent, and only saves time."""
    before = await classifier.classify(still)
    await classifier.warm_up()
    await classifier.warm_up()
    assert_alike(await classifier.classify(still), before)


async def test_a_cancelled_call_leaves_the_next_one_whole(
    classifier: ImageClassifier, still: ImageSample, animation: ImageSample
):
    """Law: a caller that goes away takes nothing from those that stay."""
    before = await classifier.classify(still)
    gone = [asyncio.create_task(classifier.classify(animation)) for _ in range(3)]
    stays = asyncio.create_task(classifier.classify(still))
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    results = await asyncio.gather(*gone, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert_alike(await stays, before)


async def test_a_single_pixel_is_a_picture(classifier: ImageClassifier):
    """Law: no size is too small to be looked at."""
    sample = sample_of(plain(1, 2, 3, 1))
    assert_lawful(await classifier.classify(sample), classifier, sample)


def assert_alike(report: ClassifierReport, other: ClassifierReport) -> None:
    """The same findings, with scores that differ by rounding at most, and the same words."""
    assert isinstance(report, ImageReport)
    assert isinstance(other, ImageReport)
    assert [(found.category_id, found.reason) for found in report.findings] == [
        (found.category_id, found.reason) for found in other.findings
    ]
    assert [found.score for found in report.findings] == pytest.approx(
        [found.score for found in other.findings], abs=1e-6
    )
    assert report.texts == other.texts
    assert report.codes == other.codes
    assert report.unread == other.unread

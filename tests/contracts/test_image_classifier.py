"""What callers of any classifier of pictures may rely on."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gaveld.adapters.image.hashes import KnownPictures, PdqClassifier, StoredBank
from gaveld.adapters.image.hashes.banks import Entry
from gaveld.adapters.image.hashes.pdq import picture_hash
from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
from gaveld.adapters.image.nsfw_model.conversion import onnx_from, weights_from
from gaveld.adapters.image.nsfw_model.network import SIDE, NsfwNetwork
from gaveld.adapters.image.nudenet.classifier import NudeNetClassifier
from gaveld.adapters.image.nudenet.network import NudeNetwork
from gaveld.application.ports import Classifier
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.image_signals import HashBank, HashBankKind, ImageFinding, ImageSample
from gaveld.domain.signals import ClassifierReport
from tests.frames import frame_of, noise, plain, sample_of, waves
from tests.unit.adapters.image.tiny_graph import tiny_nodes, tiny_weights
from tests.unit.adapters.image.tiny_nudenet import tiny_network

ImageClassifier = Classifier[ImageSample]

STILL = sample_of(waves(1))
ANIMATION = sample_of(plain(0, 0, 0), waves(1), noise(1), waves(2), plain(9, 9, 9, 1), waves(3))


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


MAKERS: dict[str, Callable[[Path], PdqClassifier | OnnxNsfwClassifier | NudeNetClassifier]] = {
    "hashes": hashes,
    "nsfw": nsfw,
    "nudenet": nudenet,
}


@pytest.fixture(scope="module", params=MAKERS)
def classifier(request, tmp_path_factory) -> Iterator[ImageClassifier]:
    made = MAKERS[request.param](tmp_path_factory.mktemp(request.param))
    yield made
    made.close()


def assert_lawful(report: ClassifierReport, classifier: ImageClassifier, sample: ImageSample):
    frames = {frame.index for frame in sample.picture.frames}
    for finding in report.findings:
        assert isinstance(finding, ImageFinding)
        assert finding.category_id in classifier.card.categories
        assert finding.classifier == classifier.card.name
        assert finding.version == classifier.card.version
        assert finding.frame_index in frames
        assert finding.reason
    assert not report.attributes


def test_the_card_says_what_the_classifier_is(classifier: ImageClassifier):
    """Law: a card is complete, constant, and speaks of the catalogue's categories only."""
    card = classifier.card
    assert card.name
    assert card.version
    assert card.limits
    assert card.categories
    assert card.categories <= set(CATALOGUE)
    assert card == classifier.card


@pytest.mark.parametrize("sample", [STILL, ANIMATION], ids=["still", "animation"])
async def test_what_is_found_is_in_the_sample(classifier: ImageClassifier, sample: ImageSample):
    """Law: findings are of the card's categories and name a frame that there is."""
    report = await classifier.classify(sample)
    assert report.findings
    assert_lawful(report, classifier, sample)


async def test_the_same_sample_gives_the_same_report(classifier: ImageClassifier):
    """Law: nothing is kept from one call to the next, nor between calls at once."""
    first = await classifier.classify(ANIMATION)
    again = await asyncio.gather(*map(classifier.classify, [STILL, ANIMATION, STILL, ANIMATION]))
    assert_alike(again[1], first)
    assert_alike(again[3], first)


async def test_warming_up_changes_no_report(classifier: ImageClassifier):
    """Law: warming up is idempotent, and only saves time."""
    before = await classifier.classify(STILL)
    await classifier.warm_up()
    await classifier.warm_up()
    assert_alike(await classifier.classify(STILL), before)


async def test_a_cancelled_call_leaves_the_next_one_whole(classifier: ImageClassifier):
    """Law: a caller that goes away takes nothing from those that stay."""
    before = await classifier.classify(STILL)
    gone = [asyncio.create_task(classifier.classify(ANIMATION)) for _ in range(3)]
    stays = asyncio.create_task(classifier.classify(STILL))
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
    """The same findings, with scores that differ by rounding at most."""
    assert [(found.category_id, found.reason) for found in report.findings] == [
        (found.category_id, found.reason) for found in other.findings
    ]
    assert [found.score for found in report.findings] == pytest.approx(
        [found.score for found in other.findings], abs=1e-6
    )
    assert report.unread == other.unread

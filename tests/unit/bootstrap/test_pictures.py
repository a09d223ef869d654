"""What judges pictures, put together from settings: what does what, and what is missing."""

from contextlib import AsyncExitStack
from pathlib import Path

from gaveld.application.moderate_image import ImageSubmission
from gaveld.bootstrap.images import ImageClassifiers
from gaveld.bootstrap.pictures import build_picture_path, sorted_detectors
from gaveld.bootstrap.settings import CacheSettings, ImagesSettings, ModelsSettings, Settings
from gaveld.domain.actions import Action
from gaveld.domain.image_signals import SHOWN
from gaveld.domain.media import MediaReference
from gaveld.domain.policies import CategoryRule, Policy, PolicyOverrides
from gaveld.domain.signals import ClassifierCard, OutcomeStatus
from tests.fakes.pictures import FakeDescriber, FakeNetwork, FakePictureReader
from tests.fakes.policies import FakePolicyStore
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.text_reader import FakeTextReader
from tests.pictures import encoded, quarters

POLICY = Policy("house@1", {"A1": CategoryRule(0.3, 0.9, required=True)})
NSFW = ClassifierCard("nsfw", "", frozenset({"A1", "A2"}))


def test_each_detector_is_put_where_it_belongs():
    """Law: readers read, banks come first, and whatever else there is says what is shown."""
    network, other = FakeNetwork(), FakeNetwork("nudenet")
    ocr, codes, hashes = (FakePictureReader(name) for name in ("ocr", "codes", "hashes"))
    found = sorted_detectors(ImageClassifiers((hashes, codes, network, other, ocr), ()))
    assert (found.known, found.codes, found.text) == ((hashes,), (codes,), (ocr,))
    assert found.networks == (network, other)
    assert [card.name for card in found.absent] == ["pixels"]


def test_the_blind_spot_is_what_no_network_sees():
    """Law: a bank of known pictures sees nothing new, and a reader of words nothing wordless."""
    hashes = FakePictureReader("hashes")
    hashes.card = ClassifierCard("hashes", "1", frozenset({"A3", "C2"}))
    found = sorted_detectors(ImageClassifiers((hashes, FakeNetwork()), ()))
    assert found.absent[-1].categories == SHOWN - {"A1", "A2"}
    assert found.absent[-1].is_blind_spot
    missing = sorted_detectors(ImageClassifiers((), (NSFW,)))
    assert [card.name for card in missing.absent] == ["nsfw", "pixels"]
    assert missing.absent[-1].categories == SHOWN - {"A1", "A2"}


async def test_a_server_without_a_model_starts_and_says_what_it_lacks(tmp_path: Path):
    """Law: a detector that is not installed keeps no server from judging, and no verdict silent."""
    settings = Settings(
        images=ImagesSettings(classifiers=("nsfw", "codes"), hashes_folder=tmp_path),
        models=ModelsSettings(folder=tmp_path),
        cache=CacheSettings(max_image_bytes=0),
    )
    async with AsyncExitStack() as stack:
        path = await build_picture_path(
            settings,
            stack,
            reader=FakeTextReader(),
            policies=FakePolicyStore(POLICY),
            telemetry=FakeTelemetry(),
            describer=FakeDescriber(),
        )
        await path.warm_up()
        assert [card.name for card in path.installed] == ["codes", "description"]
        assert {card.name for card in path.absent} == {"nsfw", "ocr", "antivirus"}
        judged = await path.moderate_image(
            ImageSubmission(MediaReference(data=encoded(quarters(), "PNG"))),
            project="any",
            overrides=PolicyOverrides(),
            deadline_seconds=30,
        )
    assert judged.verdict.action is Action.REVIEW
    assert judged.description == "A cat on a mat."
    status = {entry.card.name: entry.status for entry in judged.outcomes}
    for name in ("nsfw", "ocr", "antivirus", "pixels"):
        assert status[name] is OutcomeStatus.NOT_INSTALLED
    assert status["codes"] is OutcomeStatus.RAN
    (a1,) = (entry for entry in judged.verdict.coverage.unchecked if entry.category_id == "A1")
    assert (a1.classifiers, a1.required) == (("nsfw",), True)

"""Checking text and pictures together: what counts as a hit, and what one bad picture costs."""

import asyncio
from collections.abc import Mapping

import pytest

from gaveld.application.check import Check, CheckJudgement, CheckSubmission
from gaveld.application.moderate import ModerateText
from gaveld.domain.actions import Action
from gaveld.domain.checks import CheckPart, CheckStatus
from gaveld.domain.errors import ErrorReason, InvalidRequest, ResourceExhausted
from gaveld.domain.media import MediaFile, MediaReference, MediaRefusal, MediaRefused, Picture
from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierReport,
    Finding,
    OutcomeStatus,
)
from gaveld.domain.verdicts import CoverageStatus
from tests.fakes.language_detector import FakeLanguageDetector
from tests.fakes.policies import FakePolicyStore
from tests.fakes.text_normaliser import FakeTextNormaliser
from tests.frames import Rgb, plain, sample_of
from tests.picture_house import PictureParts
from tests.pictures import encoded, media_file, quarters

POLICY = Policy(
    "house@1",
    {
        "A1": CategoryRule(0.3, 0.9, required=True),
        "H2": CategoryRule(0.5, required=True),
        "L1": CategoryRule(0.5),
        "S2": CategoryRule(0.5, 0.9, required=True),
        "S3": CategoryRule(0.5, 0.7),
    },
    expected_languages=frozenset({"en"}),
    check_thresholds=CheckThresholds(sentiment=0.7, images=0.6),
)
WORDS = {"fool": ("H2", 0.8), "darn": ("L1", 0.6), "badlink": ("S2", 0.95)}
PICTURES: Mapping[str, tuple[Rgb, ...]] = {
    "grey": (plain(90, 90, 90),),
    "red": (plain(255, 0, 0),),
    "pink": (plain(200, 90, 90),),
    "green": (plain(0, 255, 0),),
    "moving": (plain(90, 90, 90), plain(230, 20, 20)),
}


class Words:
    """Finds a few words, and calls a text as toxic as the worst of them."""

    card = ClassifierCard(
        "words", "1", frozenset({"A1", "H2", "L1", "L2", "S2"}), frozenset({Attribute.TOXICITY})
    )

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample) -> ClassifierReport:
        found = tuple(
            Finding(category_id, score, "A word.", "words", "1")
            for word, (category_id, score) in WORDS.items()
            if word in sample.text
        )
        worst = max((entry.score for entry in found), default=0.0)
        return ClassifierReport(found, {Attribute.TOXICITY: worst})


class Files:
    """A fetcher and decoder of pictures that are named by their address."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.failure: Exception | None = None

    async def fetch(self, reference, families, internal_hosts=frozenset()) -> MediaFile:
        if reference.uri == "broken":
            raise MediaRefused(MediaRefusal.DAMAGED)
        if reference.uri == "defect":
            raise RuntimeError("quotes the content")
        if reference.uri == "full":
            raise ResourceExhausted(ErrorReason.SERVER_OVERLOADED, "full", retry_after_seconds=1)
        file = media_file(encoded(quarters(64 + len(self.names), 32), "PNG"))
        self.names[file.sha256] = reference.uri
        return file

    async def decode(self, file: MediaFile) -> Picture:
        return sample_of(*PICTURES[self.names[file.sha256]]).picture


class Scanner:
    """Calls every file what a test says."""

    card = ClassifierCard("antivirus", "1", frozenset({"S3"}))

    def __init__(self, *bad: int) -> None:
        self._bad = set(bad)
        self._count = -1

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: MediaFile) -> ClassifierReport:
        self._count += 1
        found = Finding("S3", 0.99, "Known malware.", "antivirus", "1")
        return ClassifierReport((found,) if self._count in self._bad else ())


async def check(
    text: str = "",
    images: tuple[str, ...] = (),
    gifs: tuple[str, ...] = (),
    antivirus: Scanner | None = None,
    **wishes,
) -> CheckJudgement:
    parts, files, policies = PictureParts(antivirus=antivirus), Files(), FakePolicyStore(POLICY)
    moderate_text = ModerateText(
        normaliser=FakeTextNormaliser(),
        language_detector=FakeLanguageDetector(),
        classifiers=[Words()],
        policies=policies,
        telemetry=parts.telemetry,
        max_text_bytes=1_000,
    )
    moderate_image = parts.moderate_image(files, files, policies)
    submission = CheckSubmission(
        text,
        tuple(MediaReference(uri=name) for name in images),
        tuple(MediaReference(uri=name) for name in gifs),
        **wishes,
    )
    use_case = Check(moderate_text, moderate_image, policies)
    return await use_case(submission, project="any", deadline_seconds=30)


async def test_nothing_bad_is_no_hit():
    """Law: a clean mix is allowed, complete, and hits nothing."""
    judged = await check("the day is fine", ("grey", "grey"))
    assert not judged.hits
    assert judged.verdict.action is Action.ALLOW
    assert judged.verdict.coverage.status is CoverageStatus.COMPLETE
    assert judged.links == judged.badwords == CheckPart(CheckStatus.OK, hit=False)
    assert judged.antivirus == CheckPart(CheckStatus.NOT_CHECKED, hit=False)
    assert judged.worst_image == 0
    assert judged.worst_gif is None


async def test_each_piece_is_judged_by_itself_and_named():
    """Law: findings say which piece they are in, the strictest first, and the worst is named."""
    judged = await check("you are a fool", ("grey", "red", "pink"), ("moving",))
    assert [(path, entry.finding.category_id) for path, entry in judged.findings] == [
        ("images[1]", "A1"),
        ("gifs[0]", "A1"),
        ("text", "H2"),
        ("images[2]", "A1"),
    ]
    assert judged.verdict.action is Action.BLOCK
    assert (judged.worst_image, judged.worst_gif) == (1, 0)
    assert [entry.hit for entry in judged.images] == [False, True, False]
    assert judged.text_hit
    assert judged.hits
    (moving,) = judged.gifs
    assert moving.judgement is not None
    assert moving.judgement.worst_index == 2


async def test_words_and_links_are_parts_of_their_own():
    """Law: each part says of itself whether it was hit."""
    judged = await check("oh darn, the badlink is it")
    assert judged.badwords == judged.links == CheckPart(CheckStatus.OK, hit=True)
    assert judged.images == judged.gifs == ()
    assert judged.verdict.action is Action.BLOCK


async def test_without_text_its_parts_are_not_checked():
    """Law: what there is not to check is not checked, and no hit."""
    judged = await check(images=("grey",))
    assert judged.links == judged.badwords == CheckPart(CheckStatus.NOT_CHECKED, hit=False)
    assert judged.text is None


async def test_one_bad_picture_costs_coverage_and_not_the_call():
    """Law: a picture that can't be judged fails alone, and the whole is not called complete."""
    judged = await check("the day is fine", ("grey", "broken", "red"))
    assert [entry.status for entry in judged.images] == [
        CheckStatus.OK,
        CheckStatus.ERROR,
        CheckStatus.OK,
    ]
    failure = judged.images[1].failure
    assert isinstance(failure, InvalidRequest)
    assert failure.metadata["field"] == "images[1]"
    assert judged.worst_image == 2
    assert judged.verdict.coverage.status is CoverageStatus.PARTIAL
    alone = await check(images=("broken",))
    assert alone.verdict.action is Action.REVIEW
    assert alone.worst_image is None
    assert not alone.hits


async def test_a_defect_costs_one_picture(caplog):
    """Law: what nobody foresaw is logged by its place, and its text goes nowhere."""
    judged = await check(images=("defect", "grey"))
    assert [entry.status for entry in judged.images] == [CheckStatus.ERROR, CheckStatus.OK]
    assert "piece failed" in caplog.text
    assert "quotes the content" not in caplog.text


async def test_without_a_place_the_whole_is_sent_again():
    """Law: overload is the call's, so that the caller repeats it, and never one picture's."""
    with pytest.raises(ResourceExhausted):
        await check("the day is fine", ("grey", "full"))


async def test_a_text_that_cannot_be_judged_fails_the_call():
    """Law: a text beyond the limit is refused as everywhere, whatever else was sent."""
    with pytest.raises(InvalidRequest) as refused:
        await check("x" * 1_001, ("grey",))
    assert refused.value.reason is ErrorReason.TEXT_TOO_LARGE


async def test_thresholds_of_the_call_come_before_the_policys():
    """Law: a call's thresholds change hits and no verdict."""
    lenient = CheckThresholds(toxicity=0.9, images_porn=1.0)
    strict = CheckThresholds(images_sexual=0.0)
    for thresholds, hits in ((CheckThresholds(), True), (lenient, False), (strict, True)):
        judged = await check("you are a fool", ("pink",), thresholds=thresholds)
        assert judged.hits is hits
        assert judged.verdict.action is Action.REVIEW


async def test_a_suggestive_picture_is_held_to_its_own_threshold():
    """Law: each class of picture has its threshold, that of pictures where none is named."""
    assert (await check(images=("green",))).images[0].hit
    own = CheckThresholds(images=0.0, images_porn=0.5, images_sexual=1.0)
    assert (await check(images=("green",), thresholds=own)).images[0].hit
    own = CheckThresholds(images_sexual=0.9, images_porn=0.9, images=0.0)
    assert not (await check(images=("grey",), thresholds=own)).images[0].hit


async def test_the_expected_language_is_the_calls_or_the_policys():
    """Law: a text in none of the expected languages is a hit."""
    as_sent = await check("the day is fine and you are it")
    assert as_sent.expected_languages == ("en",)
    assert not as_sent.hits
    other = await check("the day is fine and you are it", expected_language="fr")
    assert other.expected_languages == ("fr",)
    assert other.hits


@pytest.mark.parametrize(
    ("images", "bad", "part"),
    [
        ((), (), CheckPart(CheckStatus.NOT_CHECKED, hit=False)),
        (("grey", "grey"), (), CheckPart(CheckStatus.OK, hit=False)),
        (("grey", "grey"), (1,), CheckPart(CheckStatus.OK, hit=True)),
        (("grey", "broken"), (), CheckPart(CheckStatus.ERROR, hit=False)),
        (("broken", "grey"), (0,), CheckPart(CheckStatus.OK, hit=True)),
    ],
)
async def test_every_file_is_scanned(images, bad, part: CheckPart):
    """Law: antivirus is done where every file was scanned, and one hit is a hit of the whole."""
    judged = await check("the day is fine", images, antivirus=Scanner(*bad))
    assert judged.antivirus == part
    assert judged.hits is part.hit


async def test_each_classifier_is_listed_once_as_it_did_worst():
    """Law: of several pieces a classifier has one outcome, and it is no better than any."""
    judged = await check("the day is fine", ("grey", "broken", "grey"))
    names = [entry.card.name for entry in judged.outcomes]
    assert len(names) == len(set(names))
    nsfw = next(entry for entry in judged.outcomes if entry.card.name == "nsfw")
    assert nsfw.missed_as is OutcomeStatus.SKIPPED
    assert "1 of 3" in nsfw.reason


async def test_a_caller_that_goes_away_stops_every_piece():
    """Law: cancelling a check cancels its text and its pictures."""
    parts, files, policies = PictureParts(), Files(), FakePolicyStore(POLICY)
    parts.network.gate = asyncio.Event()
    text = ModerateText(
        normaliser=FakeTextNormaliser(),
        language_detector=FakeLanguageDetector(),
        classifiers=[Words()],
        policies=policies,
        telemetry=parts.telemetry,
        max_text_bytes=1_000,
    )
    use_case = Check(text, parts.moderate_image(files, files, policies), policies)
    submission = CheckSubmission("hello", (MediaReference(uri="grey"),))
    checking = asyncio.create_task(use_case(submission, project="any", deadline_seconds=30))
    await parts.network.asked.wait()
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert parts.network.cancelled.is_set()

"""A picture before the panel: what reviewers are given, and what is never called safe."""

import pytest

from gaveld.application.panels import ReviewWishes
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.review_image import MOST_FRAMES, UNSEEN, ReviewImage
from gaveld.application.scan_file import ScanFile
from gaveld.domain.errors import ErrorReason, InvalidRequest
from gaveld.domain.image_signals import ImageFinding, ImageText, PictureSignals
from gaveld.domain.media import (
    Frame,
    MediaFacts,
    MediaFile,
    MediaKind,
    MediaReference,
    MediaRefusal,
    MediaRefused,
    Picture,
)
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.reviews import ContentKind, ImageEvidence, VideoEvidence
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    ClassifierReport,
    Finding,
    OutcomeStatus,
    Signals,
)
from tests.fakes.credits import FakeCredits
from tests.fakes.policies import FakePolicyStore
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.videos import EYES, FakeFrameEncoder
from tests.unit.application.video_house import POLICY

SHA256 = "ab" * 32
REFERENCE = MediaReference(data=b"GIF89a")


class Antivirus:
    """A classifier of files to which every file is malware."""

    card = ClassifierCard("antivirus", "1", frozenset({"S3"}))

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: MediaFile) -> ClassifierReport:
        return ClassifierReport((Finding("S3", 1.0, "A virus.", "antivirus", "1"),))


class House:
    """``ReviewImage`` over a picture of so many frames, a second each, and what is seen in it."""

    def __init__(
        self,
        count: int = 1,
        *,
        found: tuple[ImageFinding, ...] = (),
        texts: tuple[ImageText, ...] = (),
        refusal: MediaRefusal | None = None,
        antivirus: Antivirus | None = None,
        purse: FakeCredits | None = None,
        unread: str = "",
    ) -> None:
        kind = MediaKind.IMAGE if count == 1 else MediaKind.ANIMATION
        facts = MediaFacts(SHA256, MediaFormat.GIF, kind, 2, 2, count, count, 6, float(count))
        shown = (Frame(at, float(at), 2, 2, memoryview(bytes(12))) for at in range(count))
        self.picture = Picture(facts, tuple(shown), unread)
        self.found, self.texts, self.refusal = found, texts, refusal
        self.reviewer = FakeReviewer()
        telemetry = FakeTelemetry()
        self.use_case = ReviewImage(
            ReviewCompliance(
                reviewers=[self.reviewer],
                policies=FakePolicyStore(POLICY),
                telemetry=telemetry,
                reviewer_timeout_seconds=30,
                max_text_bytes=100,
                balances=purse,
            ),
            fetcher=self,
            decoder=self,
            look_at_picture=self.look,
            scan_file=ScanFile(antivirus),
            encoder=FakeFrameEncoder(),
            places=PicturePlaces(1, 0, 1.0, telemetry),
        )

    async def fetch(self, reference, families, hosts) -> MediaFile:
        return MediaFile(reference.data, MediaFormat.GIF, SHA256)

    async def decode(self, file: MediaFile) -> Picture:
        if self.refusal is not None:
            raise MediaRefused(self.refusal)
        return self.picture

    async def look(self, picture, policy, *, deadline_seconds, until_settled) -> PictureSignals:
        assert not until_settled, "the panel wants to know everything"
        assert not picture.unread, "what is missing is no reason not to vote on the rest"
        ran = ClassifierOutcome(EYES, OutcomeStatus.RAN)
        return PictureSignals(
            Signals(self.found, (ran,)), texts=self.texts, description="A grey picture."
        )

    async def evidence(self) -> ImageEvidence | VideoEvidence:
        """What the panel is shown."""
        await self.use_case(REFERENCE, ReviewWishes(), project="shop", deadline_seconds=30)
        (task,) = self.reviewer.tasks
        assert task.kind is ContentKind.IMAGE
        return task.content


def nudity(frame_index: int, score: float = 0.9) -> ImageFinding:
    return ImageFinding("A1", score, "Skin.", "eyes", "1", frame_index=frame_index)


async def test_a_still_is_shown_with_all_that_was_learnt():
    """Law: reviewers get the picture as a JPEG, its words, its findings and its outcomes."""
    house = House(found=(nudity(0),), texts=(ImageText("STOP", 0.9), ImageText("STOP", 0.8)))
    evidence = await house.evidence()
    assert isinstance(evidence, ImageEvidence)
    assert (evidence.media_type, evidence.data[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert (evidence.text, evidence.sha256) == ("STOP", SHA256)
    assert evidence.description == "A grey picture."
    assert evidence.findings == (nudity(0),)
    assert [entry.card for entry in evidence.outcomes] == [EYES]


async def test_a_short_animation_is_shown_whole():
    """Law: of an animation of a few frames reviewers see each, with its words."""
    texts = (ImageText("one", 0.9, frame_index=0), ImageText("two", 0.9, frame_index=1))
    evidence = await House(3, texts=texts).evidence()
    assert isinstance(evidence, VideoEvidence)
    assert evidence.has_all_frames
    assert [frame.image.text for frame in evidence.frames] == ["one", "two", ""]
    assert [frame.seconds for frame in evidence.frames] == [0.0, 1.0, 2.0]


async def test_a_long_animation_is_shown_by_what_tells():
    """Law: of many frames so many are shown, those with findings among them, in order."""
    house = House(24, found=(nudity(17), nudity(5, 0.4)))
    evidence = await house.evidence()
    times = [frame.seconds for frame in evidence.frames]
    assert len(times) <= MOST_FRAMES
    assert times == sorted(times)
    assert {0.0, 5.0, 17.0} <= set(times)
    assert not evidence.has_all_frames


@pytest.mark.parametrize("count", [1, 3])
async def test_of_what_is_left_of_a_picture_reviewers_judge_what_there_is(count: int):
    """Law: who saw the first half votes on it, and coverage says that it was not all."""
    evidence = await House(count, unread="The file ends too early.").evidence()
    eyes, rest = evidence.outcomes
    assert (eyes.card, eyes.missed_as) == (EYES, None)
    assert (rest.card.name, rest.card.categories) == (UNSEEN, EYES.categories)
    assert rest.missed_as is not None
    assert rest.reason == "The file ends too early."
    assert isinstance(evidence, ImageEvidence) or not evidence.has_all_frames


async def test_malware_is_evidence():
    """Law: what an antivirus says of the file is among what reviewers weigh."""
    evidence = await House(antivirus=Antivirus()).evidence()
    assert [entry.category_id for entry in evidence.findings] == ["S3"]
    assert "antivirus" in {entry.card.name for entry in evidence.outcomes}


async def test_what_can_not_be_decoded_is_refused_and_free():
    """Law: a damaged file is refused by its field, nobody is asked, and nothing is charged."""
    purse = FakeCredits(shop=3)
    house = House(refusal=MediaRefusal.DAMAGED, purse=purse)
    with pytest.raises(InvalidRequest) as caught:
        await house.evidence()
    assert caught.value.reason is ErrorReason.MEDIA_CORRUPT
    assert caught.value.violations[0].field == "content"
    assert house.reviewer.tasks == []
    assert purse.balances == {"shop": 3}

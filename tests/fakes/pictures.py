"""What looks at pictures in tests: rules of colour, and words that a test puts into them."""

import asyncio
from collections.abc import Sequence

from gaveld.domain.image_signals import (
    ImageClass,
    ImageCode,
    ImageFinding,
    ImageReport,
    ImageSample,
    ImageScores,
    ImageText,
)
from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard


class FakeNetwork:
    """A classifier of pictures to which red is pornography, green suggestive and the rest harmless.

    ``gate`` holds it until it is set; ``failure`` is raised; both may be set at any time. ``seen``
    has the indexes of the frames of each call.
    """

    def __init__(self, name: str = "nsfw", gate: asyncio.Event | None = None) -> None:
        self.card = ClassifierCard(name, "1", frozenset({"A1", "A2"}))
        self.gate = gate
        self.failure: Exception | None = None
        self.seen: list[list[int]] = []
        self.asked, self.cancelled = asyncio.Event(), asyncio.Event()

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: ImageSample) -> ImageReport:
        self.seen.append([frame.index for frame in sample.picture.frames])
        self.asked.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.failure is not None:
            raise self.failure
        scores = {frame.index: _scores(frame) for frame in sample.picture.frames}
        worst = max(scores, key=lambda index: scores[index][ImageClass.PORN])
        found = ImageFinding(
            "A1", scores[worst][ImageClass.PORN], "It is red.", self.card.name, "1",
            frame_index=worst,
        )  # fmt: skip
        return ImageReport(findings=(found,) if found.score else (), frame_scores=scores)


class FakePictureReader:
    """A classifier of pictures that reads what a test says, in whatever picture.

    ``unread`` is what it leaves out; ``failure`` is raised.
    """

    def __init__(
        self,
        name: str = "ocr",
        texts: Sequence[ImageText] = (),
        codes: Sequence[ImageCode] = (),
        unread: str = "",
    ) -> None:
        self.card = ClassifierCard(name, "1", frozenset())
        self.texts, self.codes, self.unread = tuple(texts), tuple(codes), unread
        self.failure: Exception | None = None
        self.calls = 0

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: ImageSample) -> ImageReport:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return ImageReport(texts=self.texts, codes=self.codes, unread=self.unread)


class FakeDescriber:
    """A ``PictureDescriber`` that says one sentence, or raises."""

    def __init__(self, sentence: str = "A cat on a mat.") -> None:
        self.card = ClassifierCard("description", "1", frozenset())
        self.sentence = sentence
        self.failure: Exception | None = None

    async def describe(self, frame: Frame) -> str:
        if self.failure is not None:
            raise self.failure
        return self.sentence


def _scores(frame: Frame) -> ImageScores:
    """The share of red, of green, and of neither in a frame's middle pixel."""
    at = 3 * ((frame.height // 2) * frame.width + frame.width // 2)
    red, green, blue = (int(part) for part in frame.rgb[at : at + 3])
    porn = max(0.0, (red - max(green, blue)) / 255)
    sexual = max(0.0, (green - max(red, blue)) / 255)
    rest = 1 - porn - sexual
    return {
        ImageClass.PORN: porn,
        ImageClass.HENTAI: 0.0,
        ImageClass.SEXUAL: sexual,
        ImageClass.DRAWING: rest / 4,
        ImageClass.NEUTRAL: 3 * rest / 4,
    }

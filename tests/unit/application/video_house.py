"""The use case of videos with its parts within reach, over a decoder that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext

from gaveld.application.moderate_video import FileInProgress, ModerateVideo, VideoOpening
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.video_in_progress import VideoNews, VideoProgress, VideoSummary, VideoTools
from gaveld.application.video_words import ReadWords
from gaveld.domain.actions import Action
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.reviews import VideoEvidence
from gaveld.domain.verdicts import JudgedFinding
from gaveld.domain.videos import VideoEvent
from tests.fakes.credits import FakeCredits
from tests.fakes.policies import FakePolicyStore
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.text_reader import LEXICON, FakeTextReader
from tests.fakes.videos import (
    FakeFrameEncoder,
    FakeLook,
    FakeTranscriber,
    FakeVideoDecoder,
    FakeVideoReading,
)

POLICY = Policy(
    "house@1",
    {"H3": CategoryRule(0.4, 0.8, required=True), "L1": CategoryRule(0.5)},
    on_incomplete=Action.REVIEW,
)
WORDS = {"kill": (LEXICON, "H1", 0.9), "darn": (LEXICON, "L1", 0.6)}
SPOKEN = frozenset({"H1", "L1"})
WAITS = 5.0
AS_IT_IS = VideoOpening()


class VideoHouse:
    """``ModerateVideo`` over fakes; ``look`` and ``reading`` say what there is to be found."""

    def __init__(
        self,
        events: Iterable[VideoEvent] = (),
        look: FakeLook | None = None,
        *,
        reviewer: FakeReviewer | None = None,
        purse: FakeCredits | None = None,
        transcriber: FakeTranscriber | None = None,
        reading: FakeVideoReading | None = None,
        image_decoder: object = None,
        policy: Policy = POLICY,
    ) -> None:
        self.look = look or FakeLook()
        self.reading = reading or FakeVideoReading(list(events))
        self.decoder = FakeVideoDecoder(self.reading)
        self.encoder = FakeFrameEncoder()
        self.reader = FakeTextReader(WORDS)
        self.reviewer = reviewer or FakeReviewer()
        self.review_compliance = ReviewCompliance(
            reviewers=[self.reviewer],
            policies=FakePolicyStore(policy),
            telemetry=FakeTelemetry(),
            reviewer_timeout_seconds=30,
            max_text_bytes=1 << 20,
            balances=purse,
        )
        self.use_case = ModerateVideo(
            self.review_compliance,
            VideoTools(self.look, ReadWords(self.reader, transcriber, SPOKEN), self.encoder),
            decoder=self.decoder,
            image_decoder=image_decoder,
            max_work_seconds=30,
        )

    @asynccontextmanager
    async def opened(
        self, opening: VideoOpening = AS_IT_IS, *, stops_when_settled: bool = False
    ) -> AsyncIterator[FileInProgress]:
        async with self.use_case.seat(opening, project="shop") as panel:
            progress = self.use_case.open_file(
                panel,
                place=lambda _: nullcontext(),
                field="chunk",
                stops_when_settled=stops_when_settled,
            )
            async with progress:
                yield progress

    async def judged(
        self, opening: VideoOpening = AS_IT_IS, *, stops_when_settled: bool = False
    ) -> tuple[list[VideoNews], VideoSummary]:
        """Feed a file of a few bytes, and return all news and the summary."""
        async with self.opened(opening, stops_when_settled=stops_when_settled) as progress:
            await progress.feed(b"12345678")
            await progress.finish()
            news = [entry async for entry in progress.news()]
            return news, await progress.conclude()

    @property
    def evidence(self) -> VideoEvidence:
        """What the panel was shown last."""
        content = self.reviewer.tasks[-1].content
        assert isinstance(content, VideoEvidence)
        return content


def found(news: Sequence[VideoNews]) -> list[JudgedFinding]:
    """The findings among the news."""
    return [entry for entry in news if isinstance(entry, JudgedFinding)]


def progress_of(news: Sequence[VideoNews]) -> list[VideoProgress]:
    """The rest of the news."""
    return [entry for entry in news if isinstance(entry, VideoProgress)]


async def until(condition, watched: asyncio.Task | None = None) -> None:
    """Return when something is so; fails with ``watched`` if that ends first."""
    async with asyncio.timeout(WAITS):
        while not condition():
            if watched is not None and watched.done():
                watched.result()
            await asyncio.sleep(0)

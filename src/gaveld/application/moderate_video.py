"""Reviews a video while it comes: as a file, bit by bit, or as live frames."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gaveld.application.live_frames import LiveFrames
from gaveld.application.panels import Panel, Review, ReviewWishes
from gaveld.application.ports import ImageDecoder, VideoDecoder, VideoReading
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.sitting import Place
from gaveld.application.video_in_progress import VideoInProgress, VideoTools
from gaveld.domain.media import MediaRefused
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.reviews import ContentKind, VideoEvidence


@dataclass(frozen=True, slots=True)
class VideoOpening:
    """What a stream wants.

    ``stops_when_settled`` ends it as soon as the rest can't change the decision.
    """

    wishes: ReviewWishes = field(default_factory=ReviewWishes)
    overrides: PolicyOverrides = field(default_factory=PolicyOverrides)
    stops_when_settled: bool = False


class FileInProgress(VideoInProgress):
    """A file while its bytes come. What was decoded may be judged meanwhile."""

    def __init__(self, reading: VideoReading, *rest: Any, **further: Any) -> None:
        super().__init__(reading, *rest, **further)
        self._reading = reading

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises ``InvalidRequest`` for more than a video may have."""
        try:
            await self._reading.feed(chunk)
        except MediaRefused as refused:
            raise refused.as_error(self._field) from refused
        await self._received(len(chunk))

    async def finish(self) -> None:
        """Say that the file is whole."""
        await self._reading.finish()


class LiveInProgress(VideoInProgress):
    """Live frames while they come."""

    def __init__(self, frames: LiveFrames, *rest: Any, **further: Any) -> None:
        super().__init__(frames, *rest, **further)
        self._frames = frames

    async def show(self, jpeg: bytes, seconds: float) -> None:
        """Take the next frame; see ``LiveFrames.show``."""
        await self._frames.show(jpeg, seconds)
        await self._received(len(jpeg))

    async def finish(self) -> None:
        """Say that there are no more frames."""
        await self._frames.finish()


class ModerateVideo:
    """The use case behind ``StreamVideo``, and that which ``ReviewVideo`` is made of.

    A video costs its project one review, however long it is; it is given back if the video comes to
    nothing. No piece of work takes longer than ``max_work_seconds``.
    """

    def __init__(
        self,
        review_compliance: ReviewCompliance,
        tools: VideoTools,
        *,
        decoder: VideoDecoder,
        image_decoder: ImageDecoder,
        max_work_seconds: float,
    ) -> None:
        self._review_compliance = review_compliance
        self._tools = tools
        self._decoder = decoder
        self._image_decoder = image_decoder
        self._max_work_seconds = max_work_seconds

    @asynccontextmanager
    async def open_file(
        self,
        opening: VideoOpening,
        *,
        project: str,
        place: Place,
        field: str,
        seconds_left: Callable[[], float] | None = None,
    ) -> AsyncIterator[FileInProgress]:
        """Begin with a file that is fed; leaving the context frees everything.

        ``place`` grants room for each piece of work, ``field`` names in refusals what is fed, and
        ``seconds_left`` bounds work further. Raises what ``ReviewCompliance.convene`` does.
        """
        hears = self._tools.read_words.hears
        async with self._paid(opening, project) as panel:
            progress = FileInProgress(
                self._decoder.open(with_sound=hears),
                self._tools,
                panel,
                partial(self._ask, panel),
                field=field,
                place=place,
                seconds_left=self._bounded(seconds_left),
                stops_when_settled=opening.stops_when_settled,
                is_deaf=not hears,
            )
            async with progress:
                yield progress

    @asynccontextmanager
    async def open_live(
        self, opening: VideoOpening, *, project: str, place: Place, field: str
    ) -> AsyncIterator[LiveInProgress]:
        """Begin with live frames that are shown; see ``open_file``."""
        async with self._paid(opening, project) as panel:
            progress = LiveInProgress(
                LiveFrames(self._image_decoder),
                self._tools,
                panel,
                partial(self._ask, panel),
                field=field,
                place=place,
                seconds_left=self._bounded(None),
                stops_when_settled=opening.stops_when_settled,
            )
            async with progress:
                yield progress

    @asynccontextmanager
    async def _paid(self, opening: VideoOpening, project: str) -> AsyncIterator[Panel]:
        panel = await self._review_compliance.convene(
            opening.wishes, project=project, overrides=opening.overrides
        )
        async with self._review_compliance.charged(panel):
            yield panel

    async def _ask(self, panel: Panel, evidence: VideoEvidence, seconds: float) -> Review:
        return await self._review_compliance.review(
            panel, ContentKind.VIDEO, evidence, deadline_seconds=seconds, is_paid=True
        )

    def _bounded(self, seconds_left: Callable[[], float] | None) -> Callable[[], float]:
        if seconds_left is None:
            return lambda: self._max_work_seconds
        return lambda: min(self._max_work_seconds, seconds_left())

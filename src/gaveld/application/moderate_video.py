"""Reviews a video while it comes: as a file, bit by bit, or as live frames."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gaveld.application.in_time import named
from gaveld.application.live_frames import LiveFrames
from gaveld.application.panels import Panel, Review, ReviewWishes
from gaveld.application.ports import ImageDecoder, VideoDecoder, VideoReading
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.sitting import Place
from gaveld.application.video_in_progress import VideoInProgress, VideoTools
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.reviews import ContentKind, VideoEvidence


@dataclass(frozen=True, slots=True)
class VideoOpening:
    """What is asked for a video: of its panel, and of the policy."""

    wishes: ReviewWishes = field(default_factory=ReviewWishes)
    overrides: PolicyOverrides = field(default_factory=PolicyOverrides)


class FileInProgress(VideoInProgress):
    """A file while its bytes come. What was decoded may be judged meanwhile."""

    def __init__(self, reading: VideoReading, *rest: Any, **further: Any) -> None:
        super().__init__(reading, *rest, **further)
        self._reading = reading

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises ``InvalidRequest`` for more than a video may have."""
        with named(self._field):
            await self._reading.feed(chunk)
        self._received(len(chunk))

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
        self._received(len(jpeg))

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

    @property
    def hears(self) -> bool:
        """Whether somebody writes down what is said."""
        return self._tools.read_words.hears

    @asynccontextmanager
    async def seat(self, opening: VideoOpening, *, project: str) -> AsyncIterator[Panel]:
        """Convene the panel for one video and charge it; see ``ReviewCompliance.convene``.

        Whatever ends what is done inside gives the credits back.
        """
        panel = await self._review_compliance.convene(
            opening.wishes, project=project, overrides=opening.overrides
        )
        async with self._review_compliance.charged(panel):
            yield panel

    def open_file(
        self,
        panel: Panel,
        *,
        place: Place,
        field: str,
        stops_when_settled: bool = False,
        seconds_left: Callable[[], float] | None = None,
        needs_pictures: bool = True,
    ) -> FileInProgress:
        """Return a file to be fed; it begins when its context is entered.

        Unless it ``needs_pictures``, it may be a sound alone, where somebody hears. ``place``
        grants room for each piece of work, ``field`` names in refusals what is fed, and
        ``seconds_left`` bounds work further.
        """
        hears = self._tools.read_words.hears
        return FileInProgress(
            self._decoder.open(with_sound=hears, needs_pictures=needs_pictures),
            self._tools,
            panel,
            partial(self._ask, panel),
            field=field,
            place=place,
            seconds_left=self._bounded(seconds_left),
            stops_when_settled=stops_when_settled,
            is_deaf=not hears,
        )

    def open_live(
        self, panel: Panel, *, place: Place, field: str, stops_when_settled: bool = False
    ) -> LiveInProgress:
        """Return live frames to be shown; see ``open_file``."""
        return LiveInProgress(
            LiveFrames(self._image_decoder),
            self._tools,
            panel,
            partial(self._ask, panel),
            field=field,
            place=place,
            seconds_left=self._bounded(None),
            stops_when_settled=stops_when_settled,
        )

    async def _ask(self, panel: Panel, evidence: VideoEvidence, seconds: float) -> Review:
        return await self._review_compliance.review(
            panel, ContentKind.VIDEO, evidence, deadline_seconds=seconds, is_paid=True
        )

    def _bounded(self, seconds_left: Callable[[], float] | None) -> Callable[[], float]:
        if seconds_left is None:
            return lambda: self._max_work_seconds
        return lambda: min(self._max_work_seconds, seconds_left())

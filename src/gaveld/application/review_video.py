"""Has a video that is fetched, or short enough to come inline, reviewed by a panel."""

import time
from contextlib import AsyncExitStack, aclosing, nullcontext
from typing import Final

from gaveld.application.in_time import in_time, named
from gaveld.application.moderate_video import FileInProgress, ModerateVideo, VideoOpening
from gaveld.application.panels import Review, ReviewWishes
from gaveld.application.ports import MediaFetcher
from gaveld.application.scan_file import ScanFile
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, ResourceExhausted
from gaveld.domain.media import MediaFile, MediaReference
from gaveld.domain.media_formats import MediaFamily

VIDEOS: Final = frozenset({MediaFamily.VIDEO})

PANEL_SHARE: Final = 0.25
"""So much of a call's time is kept for the panel,"""
PANEL_SECONDS: Final = 5.0
"""and no more than so many seconds."""

CHUNK_BYTES: Final = 1 << 20

RETRY_AFTER_SECONDS: Final = 1.0


class ReviewVideo:
    """The use case behind ``ReviewVideo``. It costs its project what a review of a text does."""

    def __init__(
        self, moderate_video: ModerateVideo, *, fetcher: MediaFetcher, scan_file: ScanFile
    ) -> None:
        self._moderate_video = moderate_video
        self._fetcher = fetcher
        self._scan_file = scan_file

    async def __call__(
        self,
        reference: MediaReference,
        wishes: ReviewWishes,
        *,
        project: str,
        deadline_seconds: float,
        field: str = "content",
    ) -> Review:
        """Review one video within ``deadline_seconds`` from now; ``field`` names it in refusals.

        What was not judged by then is said to be unseen. Raises what ``ReviewCompliance`` raises;
        ``InvalidRequest`` and ``FailedPrecondition`` for a file that is refused or can't be
        fetched, and ``DeadlineExceeded`` when the time was up before a frame was judged.
        """
        due = time.monotonic() + deadline_seconds
        until = due - min(PANEL_SECONDS, PANEL_SHARE * deadline_seconds)
        async with self._moderate_video.seat(VideoOpening(wishes), project=project) as panel:
            async with in_time(_left(until), _too_late()):
                with named(field):
                    hosts = panel.policy.fetch_hosts
                    file = await self._fetcher.fetch(reference, VIDEOS, hosts)
                scan = await self._scan_file(file, deadline_seconds=_left(until))
            progress = self._moderate_video.open_file(
                panel,
                place=lambda _: nullcontext(),
                field=field,
                seconds_left=lambda: _left(due),
            )
            progress.note(scan)
            return await _reviewed(progress, file, until)


async def _reviewed(progress: FileInProgress, file: MediaFile, until: float) -> Review:
    async with AsyncExitStack() as stack:
        async with in_time(_left(until), _overloaded()):
            await stack.enter_async_context(progress)
        for start in range(0, len(file.data), CHUNK_BYTES):
            await progress.feed(file.data[start : start + CHUNK_BYTES])
        await progress.finish()
        late = _too_late()
        try:
            async with in_time(_left(until), late), aclosing(progress.news()) as news:
                async for _ in news:
                    pass
        except DeadlineExceeded as failure:
            if failure is not late or not progress.has_judged:
                raise
        return (await progress.conclude()).review


def _left(until: float) -> float:
    return until - time.monotonic()


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        ErrorReason.DEADLINE_EXCEEDED,
        "The deadline passed before anything of the video was judged.",
    )


def _overloaded() -> ResourceExhausted:
    return ResourceExhausted(
        ErrorReason.SERVER_OVERLOADED,
        "Too many videos are being decoded.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )

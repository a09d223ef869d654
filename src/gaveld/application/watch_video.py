"""Gets one whole video, has it scanned, and has it judged bit by bit until its time is up.

What the judgement is for, its callers know.
"""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext
from typing import Final

from gaveld.application.in_time import in_time, named
from gaveld.application.moderate_video import FileInProgress, ModerateVideo
from gaveld.application.panels import Panel
from gaveld.application.ports import MediaFetcher
from gaveld.application.scan_file import ScanFile
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, ResourceExhausted
from gaveld.domain.media import MediaFile, MediaReference
from gaveld.domain.media_formats import MediaFamily

VIDEOS: Final = frozenset({MediaFamily.VIDEO})
SOUNDS: Final = frozenset({MediaFamily.VIDEO, MediaFamily.SOUND})
"""A sound may come in a container for videos."""

CHUNK_BYTES: Final = 1 << 20

RETRY_AFTER_SECONDS: Final = 1.0


class WatchVideo:
    """Watches videos that are fetched, or short enough to come inline."""

    def __init__(
        self, moderate_video: ModerateVideo, *, fetcher: MediaFetcher, scan_file: ScanFile
    ) -> None:
        self._moderate_video = moderate_video
        self._fetcher = fetcher
        self._scan_file = scan_file

    @asynccontextmanager
    async def __call__(
        self,
        reference: MediaReference,
        panel: Panel,
        *,
        until: float,
        due: float,
        field: str,
        needs_pictures: bool = True,
    ) -> AsyncIterator[FileInProgress]:
        """Give the video as far as it was judged ``until`` then; leaving the context frees it.

        Unless it ``needs_pictures``, the file may be a sound alone. ``due`` bounds what is done
        with it afterwards; both are times of the monotonic clock. What was not judged by then is
        said to be unseen. Raises ``InvalidRequest`` and ``FailedPrecondition``, which name the
        ``field``, for a file that is refused or can't be fetched, ``ResourceExhausted`` where too
        many are open, and ``DeadlineExceeded`` when the time was up before anything was judged.
        """
        async with in_time(_left(until), _too_late()):
            with named(field):
                hosts = panel.policy.fetch_hosts
                families = VIDEOS if needs_pictures else SOUNDS
                file = await self._fetcher.fetch(reference, families, hosts)
            scan = await self._scan_file(file, deadline_seconds=_left(until))
        progress = self._moderate_video.open_file(
            panel,
            place=lambda _: nullcontext(),
            field=field,
            seconds_left=lambda: _left(due),
            needs_pictures=needs_pictures,
        )
        progress.note(scan)
        async with in_time(_left(until), _overloaded()):
            await progress.__aenter__()
        try:
            await _watch(progress, file, until)
            yield progress
        finally:
            await progress.__aexit__(None, None, None)


async def _watch(progress: FileInProgress, file: MediaFile, until: float) -> None:
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

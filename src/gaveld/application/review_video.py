"""Has a video that is fetched, or short enough to come inline, reviewed by a panel."""

import time
from typing import Final

from gaveld.application.moderate_video import ModerateVideo, VideoOpening
from gaveld.application.panels import Review, ReviewWishes
from gaveld.application.ports import MediaFetcher
from gaveld.application.scan_file import ScanFile
from gaveld.application.watch_video import WatchVideo
from gaveld.domain.media import MediaReference

PANEL_SHARE: Final = 0.25
"""So much of a call's time is kept for the panel,"""
PANEL_SECONDS: Final = 5.0
"""and no more than so many seconds."""


class ReviewVideo:
    """The use case behind ``ReviewVideo``. It costs its project what a review of a text does."""

    def __init__(
        self, moderate_video: ModerateVideo, *, fetcher: MediaFetcher, scan_file: ScanFile
    ) -> None:
        self._moderate_video = moderate_video
        self._watch = WatchVideo(moderate_video, fetcher=fetcher, scan_file=scan_file)

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

        What was not judged by then is said to be unseen. Raises what ``ReviewCompliance`` and
        ``WatchVideo`` raise.
        """
        due = time.monotonic() + deadline_seconds
        until = due - min(PANEL_SECONDS, PANEL_SHARE * deadline_seconds)
        async with (
            self._moderate_video.seat(VideoOpening(wishes), project=project) as panel,
            self._watch(reference, panel, until=until, due=due, field=field) as progress,
        ):
            return (await progress.conclude()).review

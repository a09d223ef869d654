"""Judges one whole video or sound by the policy alone: no panel sits, and no credit is spent."""

import time

from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.panels import unseated
from gaveld.application.pieces import Unjudged
from gaveld.application.ports import MediaFetcher, Telemetry
from gaveld.application.scan_file import ScanFile
from gaveld.application.telling import tell_verdict
from gaveld.application.video_in_progress import VideoJudgement
from gaveld.application.watch_video import WatchVideo
from gaveld.domain.media import MediaReference
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Signals
from gaveld.domain.verdicts import judge


class JudgeVideo:
    """Judges videos that are fetched, or short enough to come inline.

    Sounds alone are judged only if it ``hears``: if somebody writes down what is said.
    """

    def __init__(
        self,
        moderate_video: ModerateVideo,
        *,
        fetcher: MediaFetcher,
        scan_file: ScanFile,
        look: LookAtPicture,
        telemetry: Telemetry,
    ) -> None:
        self.hears = moderate_video.hears
        self._watch = WatchVideo(moderate_video, fetcher=fetcher, scan_file=scan_file)
        self._scan_file = scan_file
        self._look = look
        self._telemetry = telemetry

    async def __call__(
        self,
        reference: MediaReference,
        policy: Policy,
        *,
        project: str,
        deadline_seconds: float,
        field: str,
        needs_pictures: bool = True,
    ) -> VideoJudgement:
        """Judge one video within ``deadline_seconds`` from now; ``field`` names it in refusals.

        Unless it ``needs_pictures``, it may be a sound alone. What was not judged by then costs
        coverage. Raises what ``WatchVideo`` raises.
        """
        due = time.monotonic() + deadline_seconds
        panel = unseated(project, policy)
        async with self._watch(
            reference, panel, until=due, due=due, field=field, needs_pictures=needs_pictures
        ) as progress:
            judged = progress.judgement()
        tell_verdict(self._telemetry, judged.verdict)
        return judged

    def unjudged(self, policy: Policy, reason: str) -> Unjudged:
        """Return the verdict on a video that could not be judged, and why nobody looked at it."""
        outcomes = (*self._scan_file.not_asked(reason), *self._look.not_asked(reason))
        return judge(Signals((), outcomes), policy), outcomes

"""NudeNet as a classifier of pictures: frames in, a finding for each part of the body that shows.

It reports every part that counts for a category and decides nothing: thresholds are the policy's.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from gaveld.adapters.image.nudenet.network import SIDE, Detection
from gaveld.domain.image_signals import ImageFinding, ImageReport, ImageSample
from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard

NAME: Final = "nudenet"
CATEGORIES: Final = frozenset({"A1", "A2"})
MOST_FINDINGS: Final = 64
"""So many of the likeliest are reported of one picture."""

_LIMITS: Final = (
    "Sees a picture as 320 × 320 pixels, so that what is small escapes it; it was taught "
    "photographs, and its scores are not calibrated. It knows no ages. Runs on {engine}."
)


class Detector(Protocol):
    """What finds parts of the body. Several threads call it at once, and never an event loop."""

    @property
    def digest(self) -> str:
        """What tells its weights from others; constant."""
        ...

    @property
    def engine(self) -> str:
        """What runs it, in letters, digits, dots and hyphens; constant."""
        ...

    def look_at(self, frame: Frame) -> tuple[Detection, ...]:
        """Return what is in a frame, the likeliest first. Blocks."""
        ...


class NudeNetClassifier:
    """Looks at the frames of pictures on a few threads. Call ``close`` at the end.

    ``release`` is the version of the package that the network came in.
    """

    def __init__(self, detector: Detector, release: str, *, threads: int = 2) -> None:
        self._detector = detector
        self._lane = ThreadPoolExecutor(threads, thread_name_prefix="gavel-nudenet")
        self._card = ClassifierCard(
            name=NAME,
            version=f"{release}+{detector.digest}.{detector.engine}",
            categories=CATEGORIES,
            limits=_LIMITS.format(engine=detector.engine),
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; the version names the package, weights and engine."""
        return self._card

    async def warm_up(self) -> None:
        """Look at a grey frame, which proves that the network answers as it should."""
        await self._look_at(Frame(0, 0.0, SIDE, SIDE, memoryview(bytes([128]) * (SIDE**2 * 3))))

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return every part that counts for a category, in every frame, the likeliest first."""
        findings: list[ImageFinding] = []
        for frame in sample.picture.frames:
            for detection in await self._look_at(frame):
                findings.extend(self._findings(frame, detection))
        findings.sort(key=lambda finding: -finding.score)
        return ImageReport(findings=tuple(findings[:MOST_FINDINGS]))

    def close(self) -> None:
        """Let go of the threads; frames that wait are dropped."""
        self._lane.shutdown(wait=False, cancel_futures=True)

    async def _look_at(self, frame: Frame) -> tuple[Detection, ...]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lane, self._detector.look_at, frame)

    def _findings(self, frame: Frame, detection: Detection) -> Iterator[ImageFinding]:
        part = detection.part
        for category_id, share in (("A1", part.sexual), ("A2", part.nudity)):
            if share:
                yield ImageFinding(
                    category_id,
                    share * detection.score,
                    f"Shows {part.name}.",
                    self._card.name,
                    self._card.version,
                    frame_index=frame.index,
                    box=detection.box,
                )

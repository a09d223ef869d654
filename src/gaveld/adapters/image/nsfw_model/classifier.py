"""The NSFW network as a classifier of pictures: frames in, class scores and findings out.

It reports everything above a floor and decides nothing: thresholds are the policy's.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np

from gaveld.adapters.image.nsfw_model.batcher import FRAMES_A_BATCH, FrameBatcher, Network
from gaveld.adapters.image.nsfw_model.installation import CATEGORIES, NAME, ONNX_SHA256
from gaveld.adapters.image.nsfw_model.network import CLASSES, SIDE
from gaveld.adapters.image.nsfw_model.package import VERSION
from gaveld.domain.image_signals import (
    ImageClass,
    ImageFinding,
    ImageReport,
    ImageSample,
    ImageScores,
)
from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard

SEXUAL_SHOWS_NUDITY: Final = 0.5
"""How much of the class ``sexual`` counts as nudity.

It was taught by bikinis as well as by nudes, and says nothing of which it sees. So, of itself, it
never comes to more than an even chance.
"""

SCORE_FLOOR: Final = 0.01
"""Below this probability a category is no finding, so that answers are not full of noise."""

FRAMES_AT_ONCE: Final = 4
"""An animation asks for so many of its frames at a time, so that pictures get in between."""

_REASONS: Final = {
    "A1": "Looks like pornography, photographed or drawn.",
    "A2": "Looks like nudity.",
}
_LIMITS: Final = (
    "Sees a picture as 224 × 224 pixels and as a whole, so that what is small or at the edge "
    "escapes it; skin, swimwear and paintings mislead it. It knows no ages. Runs on {engine}."
)


class OnnxNsfwClassifier:
    """Scores the frames of pictures, whichever call they belong to, on a few threads.

    ``threads`` is how many batches are worked on at once. Call ``close`` at the end.
    """

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 2,
        frames_a_batch: int = FRAMES_A_BATCH,
    ) -> None:
        self._frames_at_once = threads * frames_a_batch
        self._batcher = FrameBatcher(network, threads=threads, frames_a_batch=frames_a_batch)
        self._card = ClassifierCard(
            name=NAME,
            version=f"{VERSION}+{ONNX_SHA256[:8]}.{network.name}",
            categories=CATEGORIES,
            limits=_LIMITS.format(engine=network.name),
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; the version names the weights and the engine."""
        return self._card

    async def warm_up(self) -> None:
        """Run a grey frame on every thread, and prove that the scores are probabilities."""
        grey = Frame(0, 0.0, SIDE, SIDE, memoryview(bytes([128]) * (SIDE * SIDE * 3)))
        batch = await asyncio.gather(
            *(self._batcher.classes(grey) for _ in range(self._frames_at_once))
        )
        for classes in batch:
            if classes.shape != (len(CLASSES),) or not np.isclose(classes.sum(), 1, atol=1e-3):
                raise ValueError("the network gives no probabilities: install it again")

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return every frame's classes, and for each category its worst frame above the floor."""
        frames = sample.picture.frames
        scores: dict[int, ImageScores] = {}
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            part = frames[start : start + FRAMES_AT_ONCE]
            answers = await self._scores(part)
            scores |= {frame.index: found for frame, found in zip(part, answers, strict=True)}
        return ImageReport(findings=tuple(self._findings(scores)), frame_scores=scores)

    def close(self) -> None:
        """Let go of the threads; frames that wait fail."""
        self._batcher.close()

    async def _scores(self, frames: Sequence[Frame]) -> Sequence[ImageScores]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._score(frame)) for frame in frames]
        return [task.result() for task in tasks]

    async def _score(self, frame: Frame) -> ImageScores:
        classes = await self._batcher.classes(frame)
        return {name: float(score) for name, score in zip(CLASSES, classes, strict=True)}

    def _findings(self, scores: dict[int, ImageScores]) -> Sequence[ImageFinding]:
        findings = []
        for category_id in sorted(CATEGORIES):
            by_frame = {
                index: category_scores(classes)[category_id] for index, classes in scores.items()
            }
            worst = max(by_frame, key=lambda index: by_frame[index])
            if by_frame[worst] >= SCORE_FLOOR:
                findings.append(
                    ImageFinding(
                        category_id,
                        by_frame[worst],
                        _REASONS[category_id],
                        self._card.name,
                        self._card.version,
                        frame_index=worst,
                    )
                )
        return findings


def category_scores(classes: ImageScores) -> dict[str, float]:
    """Return what a frame's classes mean for the categories.

    Sexual content (A1) is what is pornography, photographed or drawn. Nudity (A2) is that, for
    it shows some, and part of what is merely sexual: ``SEXUAL_SHOWS_NUDITY`` says how much.
    """
    explicit = classes[ImageClass.PORN] + classes[ImageClass.HENTAI]
    nudity = explicit + SEXUAL_SHOWS_NUDITY * classes[ImageClass.SEXUAL]
    return {"A1": min(1.0, explicit), "A2": min(1.0, nudity)}

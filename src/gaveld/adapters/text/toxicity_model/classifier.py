"""The linear model as a classifier of text samples: readings in, attributes and findings out.

It reports everything above a floor and decides nothing: thresholds are the policy's.
"""

from pathlib import Path
from typing import Final

import numpy as np

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.labels import ATTRIBUTES, CATEGORIES, REASONS
from gaveld.adapters.text.toxicity_model.labels import LABELS, WORD_LEVEL
from gaveld.adapters.text.toxicity_model.linear_model import SHIPPED_WEIGHTS, LinearModel
from gaveld.adapters.text.toxicity_model.scan import Scan, locate, scan, views
from gaveld.domain.content import FoldedText, Span, TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding

MODEL_RELEASE: Final = "1.0.0"
SCORE_FLOOR: Final = 0.05
"""Below this probability a label is no finding, so that answers are not full of noise."""

_LIMITS: Final = (
    "Trained on English. Weighs words and spellings, not meaning: it misses abuse in harmless "
    "words, irony and context, and does not score severe toxicity or sexual content about minors."
)


class LinearTextClassifier:
    """Scores English text by hashed word and character n-grams.

    ``weights`` is a file that ``python -m training.linear`` wrote; it is read here, once, and
    ``ValueError`` is raised if it does not fit this code.
    """

    def __init__(self, lane: CpuLane, weights: Path = SHIPPED_WEIGHTS) -> None:
        self._lane = lane
        self._model = LinearModel.load(weights, LABELS)
        self._card = ClassifierCard(
            name="linear",
            version=f"{MODEL_RELEASE}+{self._model.digest[:8]}",
            categories=frozenset(CATEGORIES[label] for label in LABELS if label in CATEGORIES),
            attributes=frozenset(ATTRIBUTES[label] for label in LABELS if label in ATTRIBUTES),
            languages=frozenset({"en"}),
            limits=_LIMITS,
            has_exact_spans=False,
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; the version names the weights."""
        return self._card

    async def warm_up(self) -> None:
        """Prove the arithmetic on one sentence and touch every page of the weights."""
        self._model.weights.sum(dtype=np.int64)
        scores = self._model.probabilities(self._model.margins("Is anybody there?"))
        if not np.isfinite(scores).all():
            raise ValueError("the linear model's weights give no finite scores: train again")

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return the attributes, and a finding for each category that scores above the floor."""
        read = views(sample.readings)
        characters = sum(len(view.text) for view in read)
        return await self._lane.run(characters, lambda checkpoint: self._read(read, checkpoint))

    def _read(self, read: list[FoldedText], checkpoint: Checkpoint) -> ClassifierReport:
        scans = [scan(self._model, view.text, checkpoint) for view in read]
        margins = np.stack([scanned.margins for scanned in scans])
        scores = self._model.probabilities(margins.max(axis=0))
        telling = margins.argmax(axis=0)
        findings: list[Finding] = []
        for number, (view, scanned) in enumerate(zip(read, scans, strict=True)):
            wanted = [
                column
                for column, label in enumerate(LABELS)
                if telling[column] == number
                and scores[column] >= SCORE_FLOOR
                and label in CATEGORIES
            ]
            places = self._places(view, scanned, wanted, checkpoint)
            findings.extend(
                self._finding(LABELS[column], float(scores[column]), places.get(column))
                for column in wanted
            )
        attributes = {
            ATTRIBUTES[label]: float(scores[column])
            for column, label in enumerate(LABELS)
            if label in ATTRIBUTES
        }
        return ClassifierReport(tuple(findings), attributes)

    def _places(
        self, view: FoldedText, scanned: Scan, wanted: list[int], checkpoint: Checkpoint
    ) -> dict[int, Span | None]:
        spoken = [column for column in wanted if LABELS[column] not in WORD_LEVEL]
        found = locate(self._model, scanned, spoken, checkpoint)
        return {
            column: None if place is None else view.original(*place)
            for column, place in found.items()
        }

    def _finding(self, label: str, score: float, span: Span | None) -> Finding:
        return Finding(
            category_id=CATEGORIES[label],
            score=score,
            reason=REASONS[label],
            classifier=self._card.name,
            version=self._card.version,
            span=span,
        )

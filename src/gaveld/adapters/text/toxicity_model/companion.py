"""The linear model's say on a text, for a larger model to weigh in.

A network that reads meaning is now and then wrong about spellings that n-grams know. Nothing is
decided here: it gives logits, and the blend that training and serving share.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.toxicity_model.labels import LABELS
from gaveld.adapters.text.toxicity_model.linear_model import (
    SHIPPED_WEIGHTS,
    SILENT,
    LinearModel,
    Scores,
)
from gaveld.adapters.text.toxicity_model.scan import scan, views
from gaveld.domain.content import TextReadings

READ_CHARACTERS: Final = 32_768
"""Of a longer text the beginning and the end are read, half of this each, as the network does."""


class LinearCompanion:
    """The linear model as a second opinion on a whole text. Safe to call from several threads."""

    def __init__(self, weights: Path = SHIPPED_WEIGHTS) -> None:
        self._model = LinearModel.load(weights, LABELS)

    @property
    def digest(self) -> str:
        """Eight hex digits that name the weights."""
        return self._model.digest[:8]

    def logits(
        self, readings: TextReadings, labels: Sequence[str], checkpoint: Checkpoint
    ) -> Scores:
        """Return the calibrated logit of each label, NaN where the model has nothing to say."""
        margins = np.stack(
            [
                scan(self._model, text, checkpoint).margins
                for view in views(readings)
                for text in _ends(view.text)
            ]
        ).max(axis=0)
        logits = np.where(
            margins > SILENT, self._model.slopes * margins + self._model.intercepts, np.nan
        )
        own = dict(zip(self._model.labels, logits.tolist(), strict=True))
        return np.array([own.get(label, np.nan) for label in labels])


def blend(logits: Scores, companion: Scores, share: float) -> Scores:
    """Return the weighted mean of two opinions, the network's alone where the other is NaN.

    The last axis of both is the labels; ``share``, 0–1, is the companion's.
    """
    found: Scores = np.where(np.isnan(companion), logits, (1 - share) * logits + share * companion)
    return found


def _ends(text: str) -> Iterable[str]:
    if len(text) <= READ_CHARACTERS:
        return (text,)
    half = READ_CHARACTERS // 2
    return (text[:half], text[-half:])

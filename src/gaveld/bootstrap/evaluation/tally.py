"""How many harmful and harmless texts got each score: all that a ranking measure needs to know.

It knows nothing of texts, labels or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts by distinct score, highest score first; three arrays of one length.

    Scores are probabilities, 0–1. Texts with equal scores share a row, so no measure can depend
    on the order in which ties were read.
    """

    scores: Numbers
    positives: Counts
    negatives: Counts

    @classmethod
    def of(cls, scores: Sequence[float] | Numbers, labels: Sequence[bool]) -> "Tally":
        """Count scored texts; ``labels`` says of each whether it is harmful.

        Raises ``ValueError`` unless there is one label a score and every score is within 0–1.
        """
        values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
        if values.shape != truth.shape:
            raise ValueError(f"{values.size} scores for {truth.size} labels")
        if not bool(np.all((values >= 0) & (values <= 1))):
            raise ValueError("a score is outside 0–1")
        distinct, place = np.unique(-values, return_inverse=True)
        return cls(
            -distinct,
            np.bincount(place[truth], minlength=distinct.size).astype(np.int64),
            np.bincount(place[~truth], minlength=distinct.size).astype(np.int64),
        )

    @property
    def positive_count(self) -> int:
        """How many texts are harmful."""
        return int(self.positives.sum())

    @property
    def negative_count(self) -> int:
        """How many texts are harmless."""
        return int(self.negatives.sum())

    @property
    def has_both(self) -> bool:
        """Whether there is anything to rank: a harmful and a harmless text."""
        return self.positive_count > 0 and self.negative_count > 0


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What each threshold would do; the first entry flags nothing, the last everything.

    ``thresholds`` fall from infinity; a text is flagged from the threshold on. The other three
    are shares, 0–1; ``precision`` is 1 where nothing is flagged.
    """

    thresholds: Numbers
    recall: Numbers
    false_positive_rate: Numbers
    precision: Numbers


def curve_of(tally: Tally) -> Curve:
    """Return the curve. The tally must have harmful and harmless texts."""
    hits = np.concatenate(([0], np.cumsum(tally.positives)))
    false_alarms = np.concatenate(([0], np.cumsum(tally.negatives)))
    flagged = hits + false_alarms
    return Curve(
        thresholds=np.concatenate(([np.inf], tally.scores)),
        recall=hits / hits[-1],
        false_positive_rate=false_alarms / false_alarms[-1],
        precision=np.where(flagged > 0, hits / np.maximum(flagged, 1), 1.0),
    )

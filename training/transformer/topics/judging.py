"""Makes probabilities, topics and a mood of logits, and measures them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.transformer.scoring import Calibration, calibrate
from training.transformer.topics import measuring
from training.transformer.topics.lines import MOODS
from training.transformer.topics.measuring import Mask, Numbers, Places


@dataclass(frozen=True)
class Judge:
    """The calibration of topics and moods, and the topics' thresholds; in the subjects' order."""

    names: tuple[str, ...]
    topics: Calibration
    thresholds: list[float]
    mood_slope: float
    mood_intercepts: list[float]

    @classmethod
    def fit(
        cls,
        names: tuple[str, ...],
        topics: tuple[Numbers, Mask],
        moods: tuple[Numbers, Places],
    ) -> "Judge":
        """Return the judge that fits logits, which come first in each pair, to answers best."""
        found, named = topics
        everywhere, alike = np.ones(named.shape, bool), np.ones(len(named))
        calibration = calibrate(found, named.astype(np.float64), everywhere, alike)
        slope, intercepts = measuring.calibrate_moods(*moods)
        return cls(
            names,
            calibration,
            measuring.choose_thresholds(calibration.probabilities(found), named),
            slope,
            intercepts,
        )

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Judge":
        """Return the judge of which ``facts`` tells."""
        return cls(
            tuple(facts["topics"]),
            Calibration(np.array(facts["topic_slopes"]), np.array(facts["topic_intercepts"])),
            facts["topic_thresholds"],
            facts["sentiment_slope"],
            facts["sentiment_intercepts"],
        )

    def facts(self) -> dict[str, Any]:
        """Return everything, under the names that serving reads."""
        return {
            "topics": list(self.names),
            "topic_slopes": self.topics.slopes.round(5).tolist(),
            "topic_intercepts": self.topics.intercepts.round(5).tolist(),
            "topic_thresholds": self.thresholds,
            "sentiments": list(MOODS),
            "sentiment_slope": round(self.mood_slope, 5),
            "sentiment_intercepts": [round(one, 5) for one in self.mood_intercepts],
        }

    def measure(
        self, topics: tuple[Numbers, Mask], moods: tuple[Numbers, Places]
    ) -> dict[str, Any]:
        """Return measures of logits, which come first in each pair, against answers."""
        (found, named), (felt, told) = topics, moods
        scores = self.topics.probabilities(found)
        chances = measuring.mood_probabilities(felt, self.mood_slope, self.mood_intercepts)
        return {
            "topics": measuring.topic_measures(scores, self.thresholds, named, self.names),
            "sentiment": measuring.mood_measures(chances, told, MOODS),
        }

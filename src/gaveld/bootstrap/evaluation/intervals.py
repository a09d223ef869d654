"""How far each figure could be off because these texts, and not others like them, were labelled.

Ranking measures are bootstrapped from a seed; shares of texts get Wilson's interval, which stays
honest where nothing, or everything, was flagged. Neither knows of wrong labels.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from gaveld.bootstrap.evaluation.metrics import f1_of, ranking_measures
from gaveld.bootstrap.evaluation.tally import Tally

_TAILS: Final = (2.5, 97.5)
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured figure and its 95% interval; None where resampling was switched off."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many harmful and harmless texts a rule flagged."""

    positives: int
    flagged_positives: int
    negatives: int
    flagged_negatives: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0–1."""
        misses = self.positives - self.flagged_positives
        return f1_of(self.flagged_positives, self.flagged_negatives, misses)


def share(count: int, total: int) -> Estimate:
    """Return ``count / total`` with Wilson's interval. ``total`` is at least 1."""
    observed = count / total
    spread = 1 + _Z**2 / total
    middle = (observed + _Z**2 / (2 * total)) / spread
    half = _Z / spread * math.sqrt(observed * (1 - observed) / total + _Z**2 / (4 * total**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    # Rounding may put the ends inside the value where none or all were counted.
    return Estimate(observed, min(observed, low), max(observed, high))


def bootstrapped(tally: Tally, resamples: int, seed: int) -> dict[str, Estimate]:
    """Return every ranking measure with its percentile interval.

    Harmful and harmless texts are drawn apart, so that each resample has as many of either. The
    same arguments give the same figures. Raises ``ValueError`` as ``ranking_measures`` does.
    """
    measured = ranking_measures(tally)
    if resamples == 0:
        return {key: Estimate(value) for key, value in measured.items()}
    draw = np.random.default_rng(seed)
    rows = np.arange(tally.scores.size)
    harmful, harmless = np.repeat(rows, tally.positives), np.repeat(rows, tally.negatives)
    drawn: dict[str, list[float]] = {key: [] for key in measured}
    for _ in range(resamples):
        resample = Tally(
            tally.scores,
            np.bincount(draw.choice(harmful, harmful.size), minlength=rows.size),
            np.bincount(draw.choice(harmless, harmless.size), minlength=rows.size),
        )
        for key, value in ranking_measures(resample).items():
            drawn[key].append(value)
    return {key: _estimate(value, drawn[key]) for key, value in measured.items()}


def bootstrapped_f1(flagged: Flagged, resamples: int, seed: int) -> Estimate:
    """Return a rule's F1 with its percentile interval, resampled as ``bootstrapped`` does."""
    if resamples == 0:
        return Estimate(flagged.f1)
    draw = np.random.default_rng(seed)
    hit_rate = flagged.flagged_positives / flagged.positives
    alarm_rate = flagged.flagged_negatives / flagged.negatives
    hits = draw.binomial(flagged.positives, hit_rate, resamples)
    alarms = draw.binomial(flagged.negatives, alarm_rate, resamples)
    values = [
        f1_of(int(hit), int(alarm), flagged.positives - int(hit))
        for hit, alarm in zip(hits, alarms, strict=True)
    ]
    return _estimate(flagged.f1, values)


def _estimate(value: float, drawn: list[float]) -> Estimate:
    low, high = np.percentile(drawn, _TAILS)
    return Estimate(value, float(low), float(high))

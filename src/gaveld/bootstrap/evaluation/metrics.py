"""What is measured of a ranking, and how each measure is defined. Pure functions of a tally.

Ties are never broken: texts with one score are flagged together. Nothing is interpolated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from gaveld.bootstrap.evaluation.tally import Counts, Curve, Numbers, Tally, curve_of

CALIBRATION_BINS: Final = 15


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure's short name, and what it means in a sentence. All are 0–1."""

    title: str
    meaning: str


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "auprc": Metric(
            "AUPRC",
            "Average precision: precision at each distinct score, weighted by the recall it adds. "
            "Chance gives the share of harmful texts, so compare it within one set only.",
        ),
        "auroc": Metric(
            "AUROC",
            "How often a harmful text scores above a harmless one; a tie counts half. Chance: 0.5.",
        ),
        "recall_at_1_percent": Metric(
            "R@1%", "The most recall of any threshold that flags at most 1% of the harmless texts."
        ),
        "recall_at_5_percent": Metric(
            "R@5%", "The most recall of any threshold that flags at most 5% of the harmless texts."
        ),
        "f1": Metric(
            "F1",
            "Harmonic mean of precision and recall by the stated rule, fixed before the labels "
            "were seen.",
        ),
        "best_f1": Metric(
            "best F1",
            "F1 at the threshold that is best on these very texts: in-sample, so an upper limit.",
        ),
        "ece": Metric(
            "ECE",
            f"Expected calibration error: the mean gap between score and frequency over "
            f"{CALIBRATION_BINS} equally wide bins of score. Zero is best.",
        ),
    }
)
"""Every measure by its key, in the order of reports."""


def ranking_measures(tally: Tally) -> dict[str, float]:
    """Return every measure of ``METRICS`` but ``f1``, which needs a rule.

    Raises ``ValueError`` without both harmful and harmless texts: they have no meaning then.
    """
    if not tally.has_both:
        raise ValueError("needs harmful and harmless texts")
    curve = curve_of(tally)
    return {
        "auprc": auprc(curve),
        "auroc": auroc(curve),
        "recall_at_1_percent": recall_at(curve, 0.01),
        "recall_at_5_percent": recall_at(curve, 0.05),
        "best_f1": best_f1(tally, curve)[0],
        "ece": expected_calibration_error(tally),
    }


def auprc(curve: Curve) -> float:
    """Return the average precision, 0–1."""
    return float(np.sum(np.diff(curve.recall) * curve.precision[1:]))


def auroc(curve: Curve) -> float:
    """Return the area under recall over false positive rate, 0–1."""
    return float(np.trapezoid(curve.recall, curve.false_positive_rate))


def recall_at(curve: Curve, most: float) -> float:
    """Return the highest recall whose false positive rate is at most ``most``, 0–1."""
    return float(curve.recall[curve.false_positive_rate <= most].max())


def f1_of(hits: int, false_alarms: int, misses: int) -> float:
    """Return F1 from counts; 0 when nothing was flagged and nothing was to be."""
    counted = 2 * hits + false_alarms + misses
    return 2 * hits / counted if counted else 0.0


def best_f1(tally: Tally, curve: Curve) -> tuple[float, float]:
    """Return the highest F1 and the highest threshold that reaches it."""
    hits, misses = np.cumsum(tally.positives), tally.positive_count
    values = 2 * hits / (hits + np.cumsum(tally.negatives) + misses)
    best = int(np.argmax(values))
    return float(values[best]), float(curve.thresholds[best + 1])


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationBins:
    """Texts by bin of score: how many, their mean score, and the share that is harmful.

    The two means are 0 in an empty bin.
    """

    counts: Counts
    mean_score: Numbers
    frequency: Numbers


def calibration_bins(tally: Tally) -> CalibrationBins:
    """Sort the texts into equally wide bins of score; the last one holds 1."""
    texts = tally.positives + tally.negatives
    bins = np.minimum((tally.scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, texts, CALIBRATION_BINS)
    at_least_one = np.maximum(counts, 1)
    return CalibrationBins(
        counts.astype(np.int64),
        np.bincount(bins, tally.scores * texts, CALIBRATION_BINS) / at_least_one,
        np.bincount(bins, tally.positives, CALIBRATION_BINS) / at_least_one,
    )


def expected_calibration_error(tally: Tally) -> float:
    """Return the mean gap between score and frequency, 0–1, weighted by texts."""
    bins = calibration_bins(tally)
    gaps = np.abs(bins.mean_score - bins.frequency) * bins.counts
    return float(gaps.sum() / bins.counts.sum())

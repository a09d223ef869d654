"""Makes probabilities of margins, and measures how far they and their ranking can be trusted."""

from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ECE_BINS: Final = 15
_NEWTON_STEPS: Final = 100


def platt(margins: Numbers, positive: Mask, weights: Numbers) -> tuple[float, float]:
    """Return slope and intercept of the likeliest probability = sigmoid(slope * margin + …).

    Raises ``ValueError`` unless higher margins are likelier positive.
    """
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    numbers = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        scores = 1 / (1 + np.exp(-design @ numbers))
        gradient = design.T @ (weights * (positive - scores)) - 1e-6 * numbers
        curvature = (design * (weights * scores * (1 - scores))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-6 * np.eye(2), gradient)
        numbers = numbers + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    if numbers[0] <= 0:
        raise ValueError("margins rank the calibration rows backwards: no use calibrating them")
    return float(numbers[0]), float(numbers[1])


def expected_calibration_error(scores: Numbers, positive: Mask) -> float:
    """Return the mean gap, 0-1, between score and frequency over equally wide bins."""
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.abs(np.bincount(bins, scores - positive, ECE_BINS))
    return float(gaps.sum() / len(scores))


def measures(scores: Numbers, positive: Mask) -> dict[str, float]:
    """Return counts, AUROC, AUPRC, ECE and recall at 1 % and 5 % false positives.

    Those that need both answers are left out where one is missing.
    """
    result: dict[str, float] = {"rows": len(scores), "positives": int(positive.sum())}
    if 0 < positive.sum() < len(scores):
        false_rate, recall, precision = _curves(scores, positive)
        result["auroc"] = float(np.trapezoid(recall, false_rate))
        result["auprc"] = float(np.sum(np.diff(recall) * precision[1:]))
        result["recall_at_1_percent"] = float(recall[false_rate <= 0.01].max())
        result["recall_at_5_percent"] = float(recall[false_rate <= 0.05].max())
    if len(scores):
        result["ece"] = expected_calibration_error(scores, positive)
    return {name: round(value, 4) for name, value in result.items()}


def _curves(scores: Numbers, positive: Mask) -> tuple[Numbers, Numbers, Numbers]:
    """Return false positive rate, recall and precision as the threshold falls, one step a score."""
    order = np.argsort(-scores, kind="stable")
    last_of_its_score = np.append(np.diff(scores[order]) != 0, [True])
    hits = np.cumsum(positive[order])[last_of_its_score]
    flagged = np.arange(1, len(scores) + 1)[last_of_its_score]
    recall = np.concatenate(([0.0], hits / positive.sum()))
    false_rate = np.concatenate(([0.0], (flagged - hits) / (~positive).sum()))
    return false_rate, recall, np.concatenate(([1.0], hits / flagged))

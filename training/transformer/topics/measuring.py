"""Chooses thresholds for topics, calibrates moods, and measures both against own lines' answers."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, f1_score

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

GRID: Final = tuple(hundredth / 100 for hundredth in range(5, 96))
_DRAWS: Final = 1_000
_SEED: Final = 20261122


def choose_thresholds(scores: Numbers, named: Mask) -> list[float]:
    """Return for each topic the threshold, in hundredths, of the highest F1.

    ``scores`` and ``named`` are ``[lines, topics]``. A topic has few lines, so the mean topic's
    are counted with them: a lone line moves no threshold far.
    """
    right = np.array([((scores >= at) & named).sum(0) for at in GRID])
    either = np.array([(scores >= at).sum(0) + named.sum(0) for at in GRID])
    right_enough = right + right.mean(1, keepdims=True)
    either_enough = either + either.mean(1, keepdims=True)
    return [GRID[place] for place in (right_enough / either_enough).argmax(0)]


def calibrate_moods(logits: Numbers, moods: Places) -> tuple[float, list[float]]:
    """Return the slope and the intercepts with which moods' probabilities fit lines best.

    ``logits`` is ``[lines, moods]``; the probabilities are ``softmax(slope × logit + intercept)``,
    and the intercepts sum to 0.
    """

    def surprise(numbers: Numbers) -> float:
        chances = mood_probabilities(logits, float(np.exp(numbers[0])), numbers[1:])
        return float(-np.log(chances[np.arange(len(moods)), moods] + 1e-12).mean())

    found = minimize(surprise, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return float(np.exp(found[0])), (found[1:] - found[1:].mean()).tolist()


def mood_probabilities(
    logits: Numbers, slope: float, intercepts: Sequence[float] | Numbers
) -> Numbers:
    """Return calibrated probabilities, ``[lines, moods]``, which sum to 1 for each line."""
    margins = logits * slope + np.asarray(intercepts)
    weights = np.exp(margins - margins.max(1, keepdims=True))
    chances: Numbers = weights / weights.sum(1, keepdims=True)
    return chances


def topic_measures(
    scores: Numbers, thresholds: Sequence[float], named: Mask, names: Sequence[str]
) -> dict[str, Any]:
    """Return AUPRC, precision, recall and F1 by topic, as means and over all, and of no topic.

    ``likeliest`` is the share of lines with a topic whose highest score is one of theirs.
    ``without`` tells of lines with no topic; ``is_any`` is the share of all lines for which it
    is right whether they have one.
    """
    chosen = scores >= np.array(thresholds)
    by_topic = {
        name: {
            "lines": int(named[:, place].sum()),
            "auprc": _rounded(average_precision_score(named[:, place], scores[:, place])),
            **_quality(chosen[:, place], named[:, place]),
        }
        for place, name in enumerate(names)
        if named[:, place].any()
    }
    has = named.any(1)
    return {
        "lines": len(named),
        "by_topic": by_topic,
        "macro": {
            name: _rounded(float(np.mean([entry[name] for entry in by_topic.values()])))
            for name in ("auprc", "f1")
        },
        "micro": {
            "auprc": _rounded(average_precision_score(named.ravel(), scores.ravel())),
            **_quality(chosen, named),
            "f1_interval": _interval(lambda rows: _f1(chosen[rows], named[rows]), len(named)),
        },
        "likeliest": _rounded(named[has, scores[has].argmax(1)].mean()),
        "without": {
            "lines": int((~has).sum()),
            "left_unnamed": _rounded((~chosen[~has].any(1)).mean()),
            "is_any": _rounded((chosen.any(1) == has).mean()),
        },
    }


def mood_measures(chances: Numbers, moods: Places, names: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, F1 by mood and on average, and how the likeliest of them are wrong."""
    told = chances.argmax(1)
    f1 = f1_score(moods, told, labels=range(len(names)), average=None)
    return {
        "lines": len(moods),
        "accuracy": _rounded((told == moods).mean()),
        "accuracy_interval": _interval(
            lambda rows: float((told[rows] == moods[rows]).mean()), len(moods)
        ),
        "macro_f1": _rounded(f1.mean()),
        "by_mood": {
            name: {"lines": int((moods == place).sum()), "f1": _rounded(f1[place])}
            for place, name in enumerate(names)
        },
        "opposite": _rounded((np.abs(told - moods) == len(names) - 1).mean()),
    }


def _quality(chosen: Mask, named: Mask) -> dict[str, float]:
    right = (chosen & named).sum()
    return {
        "precision": _rounded(right / max(1, chosen.sum())),
        "recall": _rounded(right / max(1, named.sum())),
        "f1": _rounded(_f1(chosen, named)),
    }


def _f1(chosen: Mask, named: Mask) -> float:
    return float(2 * (chosen & named).sum() / max(1, chosen.sum() + named.sum()))


def _interval(measure: Callable[[Places], float], lines: int) -> list[float]:
    """Return between what a measure lies in 95 of 100 draws of as many lines."""
    chooser = np.random.default_rng(_SEED)
    drawn = [measure(chooser.integers(lines, size=lines)) for _ in range(_DRAWS)]
    return [_rounded(bound) for bound in np.quantile(drawn, (0.025, 0.975))]


def _rounded(value: float) -> float:
    return round(float(value), 4)

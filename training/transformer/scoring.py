"""Runs a trained network over texts, and makes calibrated probabilities of what it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from training.transformer.encoding import text_batches
from training.transformer.model import TextModel

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ECE_BINS: Final = 15
_ROWS_A_BATCH: Final = 64


@dataclass(frozen=True)
class Scores:
    """Logits of some texts: ``labels`` ``[texts, labels]``, ``panel`` ``[texts, heads, labels]``.

    ``tokens`` has one ``[tokens]`` array a text: the logit that a token is toxic.
    """

    labels: Numbers
    panel: Numbers
    tokens: list[npt.NDArray[np.float32]]


def score(
    model: TextModel, texts: list[str], tokenizer: Tokenizer, advance: Callable[[int], object]
) -> Scores:
    """Return the logits of every text; ``advance`` is told how many were scored each time."""
    labels = np.zeros((len(texts), model.panel_shape[1]))
    panel = np.zeros((len(texts), *model.panel_shape))
    tokens: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)] * len(texts)
    with torch.inference_mode():
        for places, ids, mask in text_batches(texts, tokenizer, _ROWS_A_BATCH):
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(ids, mask)
            labels[places] = logits.labels.float().numpy()
            panel[places] = logits.panel.float().numpy()
            lengths = mask.sum(1).tolist()
            for row, place in enumerate(places):
                tokens[place] = logits.tokens[row, : lengths[row], 0].float().numpy()
            advance(len(places))
    return Scores(labels, panel, tokens)


@dataclass(frozen=True)
class Calibration:
    """Slope and intercept a label: probability = sigmoid(slope × logit + intercept)."""

    slopes: Numbers
    intercepts: Numbers

    def probabilities(self, logits: Numbers) -> Numbers:
        """Return probabilities for logits whose last axis is the labels."""
        found: Numbers = 1 / (1 + np.exp(-(logits * self.slopes + self.intercepts)))
        return found


def calibrate(logits: Numbers, answers: Numbers, known: Mask, weights: Numbers) -> Calibration:
    """Return Platt's numbers for each label, fitted on rows where the label is known.

    ``weights`` has one weight a row. Raises ValueError where a label ranks backwards.
    """
    slopes, intercepts = [], []
    for label in range(logits.shape[1]):
        rows = known[:, label]
        regression = LogisticRegression(C=1e4, max_iter=1000)
        regression.fit(logits[rows, label][:, None], answers[rows, label], weights[rows])
        slope = float(regression.coef_[0][0])
        if slope <= 0:
            raise ValueError(f"label {label} ranks the calibration rows backwards")
        slopes.append(slope)
        intercepts.append(float(regression.intercept_[0]))
    return Calibration(np.array(slopes), np.array(intercepts))


def expected_calibration_error(scores: Numbers, positive: Mask) -> float:
    """Return the mean gap, 0-1, between score and frequency over equally wide bins."""
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [
        abs(scores[chosen].sum() - positive[chosen].sum())
        for number in range(ECE_BINS)
        if (chosen := bins == number).any()
    ]
    return float(sum(gaps) / len(scores))

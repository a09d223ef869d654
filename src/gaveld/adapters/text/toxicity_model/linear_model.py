"""The weights of the linear model, and the arithmetic from a text to one probability a label.

It needs numpy alone. It decides nothing and knows no windows: it reads one stretch of text.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.toxicity_model.features import BUCKETS, FEATURES_VERSION, featurise_all

SHIPPED_WEIGHTS: Final = Path(__file__).with_name("linear.npz")

SILENT: Final = -1e6
"""The margin of a text without words: below every other, its probability is next to nothing."""

Scores = npt.NDArray[np.float64]
"""One number a label, in the order of the model's labels."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Quantised weights and what makes probabilities of their sums.

    ``weights`` is int8, one row a bucket and one column a label; ``scales`` turns a column back
    into its own units; ``offsets`` are the intercepts. ``slopes`` and ``intercepts`` are Platt's
    two numbers a label: probability = sigmoid(slope * margin + intercept).
    """

    labels: tuple[str, ...]
    weights: npt.NDArray[np.int8]
    scales: Scores
    offsets: Scores
    slopes: Scores
    intercepts: Scores

    def margins(self, text: str) -> Scores:
        """Return the uncalibrated margin of each label; ``SILENT`` if there is nothing to read."""
        found: Scores = self.margins_of([text])[0]
        return found

    def margins_of(self, texts: Sequence[str]) -> Scores:
        """Return the margins of several texts, ``[texts, labels]``, for little more than one's."""
        total = np.zeros((len(texts), len(self.labels)))
        for bags in featurise_all(texts):
            if not len(bags.rows):
                return np.full(total.shape, SILENT)
            sizes = np.bincount(bags.rows, minlength=len(texts))
            read = np.flatnonzero(sizes)
            starts = (np.cumsum(sizes) - sizes)[read]
            summed = np.add.reduceat(self.weights[bags.buckets], starts, axis=0, dtype=np.int32)
            total[read] += summed / np.sqrt(sizes[read])[:, None]
        margins = total * self.scales + self.offsets
        margins[sizes == 0] = SILENT
        return margins

    def probabilities(self, margins: Scores) -> Scores:
        """Return the calibrated probability 0-1 of each label for its margin."""
        return 1.0 / (1.0 + np.exp(-np.clip(self.slopes * margins + self.intercepts, -40, 40)))

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over everything that the scores depend on."""
        state = hashlib.sha256(f"{FEATURES_VERSION} {','.join(self.labels)}".encode())
        for array in (self.weights, self.scales, self.offsets, self.slopes, self.intercepts):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def save(self, path: Path) -> None:
        """Write the model to one compressed file; the same model gives the same bytes."""
        header = json.dumps({"features": FEATURES_VERSION, "labels": self.labels})
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            header=np.frombuffer(header.encode(), np.uint8),
            weights=self.weights,
            numbers=np.stack([self.scales, self.offsets, self.slopes, self.intercepts]),
        )
        path.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: Path, labels: Sequence[str]) -> Self:
        """Read a model. Raises ``ValueError`` if it was made for other features or labels."""
        with np.load(path, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            weights = stored["weights"]
            numbers = stored["numbers"]
        if header != {"features": FEATURES_VERSION, "labels": list(labels)}:
            raise ValueError(f"{path.name} was trained for other features or labels: train again")
        if weights.shape != (BUCKETS, len(labels)) or weights.dtype != np.int8:
            raise ValueError(f"{path.name} holds weights of the wrong shape: train again")
        return cls(tuple(labels), weights, *numbers)

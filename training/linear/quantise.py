"""Cuts fitted weights down to what the server keeps: one signed byte a bucket and label."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.toxicity_model.features import BUCKETS
from gaveld.adapters.text.toxicity_model.linear_model import LinearModel


def quantise(
    labels: tuple[str, ...], fitted: Sequence[tuple[npt.NDArray[np.float32], float]]
) -> LinearModel:
    """Return the served form of fitted labels, not yet calibrated."""
    weights = np.zeros((BUCKETS, len(labels)), np.int8)
    scales = np.ones(len(labels))
    for column, (exact, _) in enumerate(fitted):
        # The largest weights are the plainest words: cutting them off costs more than it resolves.
        scales[column] = float(np.abs(exact).max()) / 127 or 1.0
        weights[:, column] = np.rint(exact / scales[column])
    return LinearModel(
        labels=labels,
        weights=weights,
        scales=scales,
        offsets=np.array([intercept for _, intercept in fitted]),
        slopes=np.ones(len(labels)),
        intercepts=np.zeros(len(labels)),
    )

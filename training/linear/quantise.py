"""Cuts fitted weights down to what the server keeps: one signed byte a bucket and label."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.toxicity_model.features import BUCKETS
from gaveld.adapters.text.toxicity_model.linear_model import LinearModel

CLIPPED_SHARE: Final = 1e-5
"""Share of a label's weights, at the far ends, cut off so that int8 resolves the rest."""


def quantise(
    labels: tuple[str, ...], fitted: Sequence[tuple[npt.NDArray[np.float32], float]]
) -> LinearModel:
    """Return the served form of fitted labels, not yet calibrated."""
    weights = np.zeros((BUCKETS, len(labels)), np.int8)
    scales = np.ones(len(labels))
    for column, (exact, _) in enumerate(fitted):
        limit = float(np.quantile(np.abs(exact), 1 - CLIPPED_SHARE)) or 1.0
        scales[column] = limit / 127
        weights[:, column] = np.rint(np.clip(exact / scales[column], -127, 127))
    return LinearModel(
        labels=labels,
        weights=weights,
        scales=scales,
        offsets=np.array([intercept for _, intercept in fitted]),
        slopes=np.ones(len(labels)),
        intercepts=np.zeros(len(labels)),
    )

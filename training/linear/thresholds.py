"""Proposes from which score a category should be reviewed or blocked, and measures the price.

The price is the rate at which harmless texts are flagged, averaged over registers, so that a
large easy register cannot hide a small hard one. Proposals come from the calibration rows; what
the model card prints is measured on rows that neither fitting nor proposing has seen.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Registers = Mapping[str, npt.NDArray[np.int64]]
"""The row numbers of harmless texts by register."""

REVIEW_RATE: Final = 0.01
"""Share of harmless texts that one category may send to review."""
BLOCK_RATE: Final = 0.001
"""Share of harmless texts that one category may block."""


def flagged(scores: Numbers, of: Registers, threshold: float) -> float:
    """Return the share of harmless texts at or above a threshold, averaged over registers."""
    return float(np.mean([(scores[rows] >= threshold).mean() for rows in of.values()]))


def propose(scores: Numbers, of: Registers, rate: float) -> float:
    """Return the lowest threshold, in hundredths, that flags at most ``rate`` of the harmless."""
    for hundredth in range(5, 100):
        if flagged(scores, of, hundredth / 100) <= rate:
            return hundredth / 100
    return 0.99

"""Proposes from which score a category should be reviewed or blocked, and measures the price.

The price is the rate at which harmless texts are flagged, averaged over registers, so that a
large easy register cannot hide a small hard one. Proposals come from the calibration rows; what
the model card prints is measured on rows that neither fitting nor proposing has seen.
"""

from collections.abc import Mapping
from types import MappingProxyType
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
PROPOSED: Final[Mapping[str, tuple[float, float | None]]] = MappingProxyType(
    {
        "H1": (0.70, 0.95),
        "H2": (0.60, None),
        "H3": (0.40, 0.55),
        "A1": (0.35, 0.90),
        "D1": (0.30, None),
        "V1": (0.50, None),
        "S1": (0.40, 0.80),
        "C4": (0.55, 0.90),
        "S4": (0.35, 0.90),
        "L1": (0.60, None),
    }
)
"""Review and block scores a category: the budgets' thresholds, rounded to the cautious side.

A person in distress needs help, not silence, so D1 never blocks, nor V1, which fires on them too,
and H3 blocks only above what their words score. Insults and swearing are matters of taste and
context that this model cannot see."""


def flagged(scores: Numbers, of: Registers, threshold: float) -> float:
    """Return the share of harmless texts at or above a threshold, averaged over registers."""
    return float(np.mean([(scores[rows] >= threshold).mean() for rows in of.values()]))


def propose(scores: Numbers, of: Registers, rate: float) -> float:
    """Return the lowest threshold, in hundredths, that flags at most ``rate`` of the harmless."""
    for hundredth in range(5, 100):
        if flagged(scores, of, hundredth / 100) <= rate:
            return hundredth / 100
    return 0.99

"""Turns what the labelled data shows into a term's score, within bounds that people set.

The data was mostly gathered by searching for such words, so a term's rate in it is not its rate
in the world. It may therefore move a score within its tier and never out of it.
"""

from dataclasses import dataclass
from typing import Final

PRIOR_WEIGHT: Final = 20
"""How many texts the prior counts for; with none seen the score is the prior."""


@dataclass(frozen=True, slots=True)
class Tier:
    """How sure people are of a group of terms: a prior and the bounds of its scores, 0-1."""

    lowest: float
    prior: float
    highest: float


TIERS: Final = {
    "certain": Tier(0.90, 0.95, 0.98),
    "likely": Tier(0.55, 0.70, 0.79),
    "unsure": Tier(0.15, 0.35, 0.49),
}


def score(tier: Tier, seen: int, true: int) -> float:
    """Return the probability 0-1 that a hit is a true case, to two digits.

    It is the mean of a beta distribution that starts from the prior and has seen ``seen``
    labelled texts, ``true`` of them with the label, moved to the nearest bound of the tier.
    """
    mean = (true + PRIOR_WEIGHT * tier.prior) / (seen + PRIOR_WEIGHT)
    return round(min(tier.highest, max(tier.lowest, mean)), 2)

"""What a project decides about its panel of reviewers. Counting their votes is ``decisions``'."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_REVIEWERS: Final = 10
"""A panel has at most so many seats."""

HEAVIEST: Final = 100.0
"""A reviewer weighs at most so much."""

MOST_HELD_BACK: Final = 4_096
"""No more UTF-16 units of a turn that is still being written are held back."""


class DecisionMethod(StrEnum):
    """How the ballots of a panel become one decision."""

    AVERAGE = "average"
    """Unsafe when at least half of the ballots counted say so."""
    ANY = "any"
    """Unsafe when at least one does."""
    ALL = "all"
    """Unsafe when every one does."""
    SCORE = "score"
    """Unsafe when the weighed risk reaches the policy's threshold."""


@dataclass(frozen=True, slots=True)
class PanelPlace:
    """One reviewer that a policy wants on its panel, by name.

    ``weight`` is what its ballot weighs in the method ``score``, 0 to 100; zero means asked and
    not counted there. None keeps the reviewer's own.
    """

    reviewer: str
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.weight is not None and not 0.0 <= self.weight <= HEAVIEST:
            raise ValueError(f"weight {self.weight} of {self.reviewer!r} is outside 0–100")


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """How a project wants to be reviewed where a call does not say.

    ``amount`` is 1–10 reviewers; ``score_threshold`` the risk, 0–1, from which the method
    ``score`` decides unsafe. ``places`` are the panel in the order of choice; empty means every
    reviewer of the server, in the server's order. ``hold_back_utf16_units``, 0–4,096, is how much
    of a turn that is still being written is held back at most.
    """

    amount: int = MOST_REVIEWERS
    method: DecisionMethod = DecisionMethod.AVERAGE
    score_threshold: float = 0.5
    places: tuple[PanelPlace, ...] = ()
    hold_back_utf16_units: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.amount <= MOST_REVIEWERS:
            raise ValueError(f"amount {self.amount} is outside 1–{MOST_REVIEWERS}")
        if not 0.0 <= self.score_threshold <= 1.0:
            raise ValueError(f"score_threshold {self.score_threshold} is outside 0–1")
        if not 0 <= self.hold_back_utf16_units <= MOST_HELD_BACK:
            raise ValueError(
                f"hold_back_utf16_units {self.hold_back_utf16_units} is outside 0–{MOST_HELD_BACK}"
            )
        names = [place.reviewer for place in self.places]
        if len(set(names)) < len(names):
            raise ValueError("a reviewer has two places")
        if self.places and all(place.weight == 0 for place in self.places):
            raise ValueError("every reviewer weighs 0, so that none would count")

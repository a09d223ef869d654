"""What each member of the embedded panel makes of what it sees, as it was fitted and is shipped.

The file ``panel.json`` lies beside the text model's weights. ``python -m training.panel`` writes
it::

    {
      "members": {
        "gavel-all-round": {
          "H2": {"head": 0.9, "companion": 0.3, "lexicon": 1.2, "intercept": -0.4,
                 "strict": 0.2, "balanced": 0.35, "lenient": 0.7},
          …
        },
        …
      }
    }

A member's probability that content breaks a rule is ``sigmoid(head × logit of its head's
probability + companion × logit of the companion's + lexicon × the strongest listed word's score +
intercept)``. It objects from the threshold of its point on, a probability.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gaveld.adapters.reviewers.embedded.members import MEMBERS, Member, Point

POINTS_FILE: Final = "panel.json"

UNLIKELIEST: Final = 0.001
"""Probabilities are taken to lie between this and 1 less this, so that each has a logit."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one member sees of one category in one text.

    ``head`` is its head's probability. ``companion`` is that of the lighter model beside it, None
    where it has no say: the head speaks for it then. ``lexicon`` is the score of the strongest
    listed word, 0 for none. All are 0–1.
    """

    head: float
    companion: float | None = None
    lexicon: float = 0.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How one member weighs one category; no weight is negative.

    ``thresholds`` are probabilities that do not fall from strict to lenient.
    """

    head: float
    companion: float
    lexicon: float
    intercept: float
    thresholds: Mapping[Point, float]

    def __post_init__(self) -> None:
        if min(self.head, self.companion, self.lexicon) < 0:
            raise ValueError("a weight is negative, so that more evidence would mean less")
        in_order = [self.thresholds[point] for point in Point]
        if in_order != sorted(in_order) or not 0 < in_order[0] <= in_order[-1] < 1:
            raise ValueError("thresholds: are not between 0 and 1, and rising with leniency")

    def chance(self, sight: Sight) -> float:
        """Return the probability, 0–1, that the category applies."""
        head = logit(sight.head)
        companion = head if sight.companion is None else logit(sight.companion)
        return sigmoid(
            self.head * head
            + self.companion * companion
            + self.lexicon * sight.lexicon
            + self.intercept
        )


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Every member's scales, by name and category, and eight hex digits that name them."""

    scales: Mapping[str, Mapping[str, Scale]]
    digest: str

    @classmethod
    def read(cls, path: Path) -> "OperatingPoints":
        """Read a file of points. Raises ``ValueError`` that says what is wrong with it."""
        try:
            content = path.read_bytes()
            members = json.loads(content)["members"]
            scales = {member.name: _scales(members[member.name]) for member in MEMBERS}
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise ValueError(f"{path}: {error.args[0]} is missing") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        return cls(scales, hashlib.sha256(content).hexdigest()[:8])

    def of(self, member: Member) -> Mapping[str, Scale]:
        """Return a member's scales by category."""
        return self.scales[member.name]


def logit(probability: float) -> float:
    """Return the log odds of a probability, which is first kept away from 0 and 1."""
    kept = min(max(probability, UNLIKELIEST), 1 - UNLIKELIEST)
    return math.log(kept / (1 - kept))


def sigmoid(value: float) -> float:
    """Return the probability of log odds."""
    return 1 / (1 + math.exp(-min(max(value, -_STEEPEST), _STEEPEST)))


def _scales(document: Mapping[str, Any]) -> Mapping[str, Scale]:
    return {
        category_id: Scale(
            head=float(numbers["head"]),
            companion=float(numbers["companion"]),
            lexicon=float(numbers["lexicon"]),
            intercept=float(numbers["intercept"]),
            thresholds={point: float(numbers[point.value]) for point in Point},
        )
        for category_id, numbers in document.items()
    }


_STEEPEST: Final = 50.0

"""Fits what each member makes of what it sees, and from which probability it objects.

Both on the calibration rows alone. How well that does elsewhere is ``measuring``'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.reviewers.embedded.members import MEMBERS, Point
from gaveld.adapters.reviewers.embedded.points import UNLIKELIEST
from gaveld.adapters.text.labels import CATEGORIES
from training.panel.seeing import Labelled, Numbers, Seen

HARMLESS_RATES: Final[Mapping[Point, float]] = {
    Point.STRICT: 0.03,
    Point.BALANCED: 0.0125,
    Point.LENIENT: 0.005,
}
"""The share of harmless texts that a member may object to for one category, over registers."""

LEAST_POSITIVES: Final = 20
"""With fewer there is nothing to fit: the head's own calibration stands."""

LOWEST: Final[Mapping[Point, float]] = {
    Point.STRICT: 0.05,
    Point.BALANCED: 0.1,
    Point.LENIENT: 0.2,
}
"""A member does not object to what is less likely than this, however rare a category is."""

HIGHEST: Final = 0.99

REGISTER_ROWS: Final = 30
"""A source with fewer harmless rows is no register of its own; all of those count as one."""

_PULL: Final = 5.0
"""How strongly weights are drawn to the head's probability as it is."""

_STEPS: Final = 25
_LEAST_BEND: Final = 1e-6

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What is known of some texts.

    ``answers`` and ``known`` are ``[texts, categories]``; ``harmful`` are texts in which somebody
    saw any harm, ``harmless`` those that somebody called civil and nobody anything else.
    ``registers`` are rows of harmless texts by source, without the grammars': their harmless lines
    are near twins of attacks.
    """

    answers: Numbers
    known: Mask
    harmful: Mask
    harmless: Mask
    registers: Mapping[str, Rows]
    sources: npt.NDArray[np.str_]


def truth(examples: Sequence[Labelled], labels: Sequence[str], categories: Sequence[str]) -> Truth:
    """Return what is known of some examples, whose answers are in the order of ``labels``."""
    answers = np.stack([one.answers for one in examples]).astype(np.float64)
    given = (answers >= 0) & ~np.stack([one.deduced for one in examples])
    label_of = {category_id: label for label, category_id in CATEGORIES.items()}
    columns = [labels.index(label_of[category_id]) for category_id in categories]
    toxicity = labels.index("toxicity")
    civil = given[:, toxicity] & (answers[:, toxicity] == 0)
    harmless = civil & ~(answers == 1).any(axis=1)
    sources = np.array([one.source for one in examples])
    return Truth(
        answers[:, columns],
        given[:, columns],
        (given & (answers == 1)).any(axis=1),
        harmless,
        _registers(harmless, sources),
        sources,
    )


def fit(seen: Seen, known: Truth) -> dict[str, Any]:
    """Return the document of points: every member's scales and thresholds."""
    members: dict[str, dict[str, dict[str, float]]] = {}
    for member in MEMBERS:
        heads, companion, words = seen.of(member)
        scales: dict[str, dict[str, float]] = {}
        for column, category_id in enumerate(seen.categories):
            facts = features(heads[:, column], companion[:, column], words[:, column])
            rows = known.known[:, column]
            numbers = weights(facts[rows], known.answers[rows, column])
            found = chances(facts, numbers)
            names = ("head", "companion", "lexicon", "intercept")
            scales[category_id] = {
                **{name: round(value, 4) for name, value in zip(names, numbers, strict=True)},
                **{
                    point.value: round(max(LOWEST[point], propose(found, known.registers, rate)), 4)
                    for point, rate in HARMLESS_RATES.items()
                },
            }
        members[member.name] = scales
    return {"members": members}


def features(head: Numbers, companion: Numbers, words: Numbers) -> Numbers:
    """Return ``[texts, 3]``: logits of head and companion, and the strongest word's score."""
    own = _logits(head)
    beside = np.where(np.isnan(companion), own, _logits(np.nan_to_num(companion, nan=0.5)))
    return np.stack([own, beside, words], axis=1)


def weights(facts: Numbers, answers: Numbers) -> tuple[float, float, float, float]:
    """Return weights of head, companion and lexicon, none negative, and the intercept.

    Of all sets of features with the head the best is kept whose weights are none of them negative.
    """
    positive = (answers == 1).astype(np.float64)
    if positive.sum() < LEAST_POSITIVES:
        return 1.0, 0.0, 0.0, 0.0
    best, least = np.array([1.0, 0.0, 0.0, 0.0]), np.inf
    for chosen in ([0, 3], [0, 1, 3], [0, 2, 3], [0, 1, 2, 3]):
        found, loss = _newton(facts, positive, chosen)
        if loss < least and (found[:3] >= 0).all():
            best, least = found, loss
    head, companion, lexicon, intercept = best.tolist()
    return head, companion, lexicon, intercept


def _newton(facts: Numbers, positive: Numbers, chosen: list[int]) -> tuple[Numbers, float]:
    """Return the numbers that fit best when all but the chosen are 0, and their loss."""
    columns = np.column_stack([facts, np.ones(len(facts))])[:, chosen]
    pull = np.array([_PULL, _PULL, _PULL, 0.0])[chosen]
    drawn_to = np.array([1.0, 0.0, 0.0, 0.0])[chosen]
    numbers = drawn_to.copy()
    for _ in range(_STEPS):
        found = 1 / (1 + np.exp(-columns @ numbers))
        slope = columns.T @ (found - positive) + 2 * pull * (numbers - drawn_to)
        bend = (columns.T * (found * (1 - found))) @ columns + np.diag(2 * pull + _LEAST_BEND)
        numbers = numbers - np.linalg.solve(bend, slope)
    margins = columns @ numbers
    loss = (np.logaddexp(0, margins) - positive * margins).sum()
    whole = np.zeros(4)
    whole[chosen] = numbers
    return whole, float(loss + (pull * (numbers - drawn_to) ** 2).sum())


def chances(facts: Numbers, numbers: Sequence[float]) -> Numbers:
    """Return the probability of each row, as ``Scale.chance`` makes it."""
    margins = facts @ np.array(numbers[:3]) + numbers[3]
    found: Numbers = 1 / (1 + np.exp(-margins))
    return found


def propose(found: Numbers, registers: Mapping[str, Rows], rate: float) -> float:
    """Return the lowest threshold that at most ``rate`` of the harmless reach, over registers."""
    harmless = np.concatenate(list(registers.values()))
    candidates = np.unique(found[harmless])
    low, high = 0, len(candidates)
    while low < high:
        middle = (low + high) // 2
        share = np.mean([(found[rows] >= candidates[middle]).mean() for rows in registers.values()])
        if share <= rate:
            high = middle
        else:
            low = middle + 1
    at = candidates[low] if low < len(candidates) else HIGHEST
    return float(min(at, HIGHEST))


def _registers(harmless: Mask, sources: npt.NDArray[np.str_]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    others: list[Rows] = []
    for source in np.unique(sources[harmless]):
        rows = np.flatnonzero(harmless & (sources == source))
        if str(source).startswith("grammar_"):
            continue
        if len(rows) >= REGISTER_ROWS:
            found[str(source)] = rows
        else:
            others.append(rows)
    if others:
        found["others"] = np.concatenate(others)
    return found


def _logits(probabilities: Numbers) -> Numbers:
    kept = np.clip(probabilities, UNLIKELIEST, 1 - UNLIKELIEST)
    found: Numbers = np.log(kept / (1 - kept))
    return found

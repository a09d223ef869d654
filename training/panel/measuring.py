"""Measures the panel and its members on rows that neither training nor fitting has seen.

A text counts as called unsafe where any category reaches its threshold; which one is not asked.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.reviewers.embedded.members import MEMBERS
from training.panel.fitting import Mask, Truth, chances, features
from training.panel.seeing import Numbers, Seen

CONFIDENCE_BANDS: Final = 5
_STEEPEST: Final = 12.0
"""Thresholds are moved by no more log odds than this."""

Votes = npt.NDArray[np.bool_]


def measure(seen: Seen, known: Truth, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return every measure of a document of points on some texts."""
    margins = [
        _margins(seen, index, document["members"][member.name])
        for index, member in enumerate(MEMBERS)
    ]
    votes: Votes = np.array([(one >= 0).any(axis=1) for one in margins])
    panel = majority(votes)
    alarms = float(panel[known.harmless].mean())
    members = {
        member.name: {
            **errors(vote, known),
            "miss_at_the_panels_false_alarms": round(miss_at(margin, known, alarms), 4),
        }
        for member, vote, margin in zip(MEMBERS, votes, margins, strict=True)
    }
    return {
        "rows": {"harmful": int(known.harmful.sum()), "harmless": int(known.harmless.sum())},
        "panel": errors(panel, known),
        "members": members,
        "amounts": {
            str(amount): errors(majority(votes[:amount]), known)
            for amount in range(1, len(MEMBERS) + 1)
        },
        "agreement": agreement(votes, known),
        "votes": by_votes(votes, known),
        "disagreement": round(_disagreement(votes[:, known.harmful | known.harmless]), 4),
        "confidence": confidence(seen, known, document),
        "everyday": everyday(panel, known),
    }


def majority(votes: Votes) -> Mask:
    """Return what the method ``average`` decides: unsafe by at least half of the votes."""
    unsafe: Mask = 2 * votes.sum(axis=0) >= len(votes)
    return unsafe


def errors(unsafe: Mask, known: Truth) -> dict[str, float]:
    """Return the shares of harm missed and of harmless texts called unsafe, and their mean.

    ``register_alarms`` is the mean over the registers of harmless texts as people write them.
    """
    miss = float((~unsafe[known.harmful]).mean())
    alarms = float(unsafe[known.harmless].mean())
    registers = float(np.mean([unsafe[rows].mean() for rows in known.registers.values()]))
    return {
        "miss": round(miss, 4),
        "false_alarms": round(alarms, 4),
        "error": round((miss + alarms) / 2, 4),
        "register_alarms": round(registers, 4),
    }


def miss_at(margins: Numbers, known: Truth, alarms: float) -> float:
    """Return a member's misses when all of its thresholds are moved alike to so many alarms."""
    highest = margins.max(axis=1)
    low, high = -_STEEPEST, _STEEPEST
    for _ in range(40):
        middle = (low + high) / 2
        if (highest[known.harmless] >= middle).mean() > alarms:
            low = middle
        else:
            high = middle
    return float((highest[known.harmful] < high).mean())


def agreement(votes: Votes, known: Truth) -> list[dict[str, float]]:
    """Return, by how many of the panel agree, how many texts that are and how often it is wrong.

    The error is the mean of those of harmful and harmless texts, so that it does not hang on how
    many of each there are, beside the plain share of wrong decisions.
    """
    unsafe, panel = votes.sum(axis=0), majority(votes)
    judged = known.harmful | known.harmless
    rows = []
    for agreeing in range((len(votes) + 1) // 2, len(votes) + 1):
        there = judged & (np.maximum(unsafe, len(votes) - unsafe) == agreeing)
        if there.any():
            wrong = panel[there] != known.harmful[there]
            share = float(there.sum() / judged.sum())
            rows.append(
                {
                    "agreeing": agreeing,
                    "texts": int(there.sum()),
                    "share": round(share, 4),
                    "wrong": round(float(wrong.mean()), 4),
                }
            )
    return rows


def by_votes(votes: Votes, known: Truth) -> list[dict[str, float]]:
    """Return, by how many vote unsafe, how many texts that are and what share is harmful."""
    unsafe, judged = votes.sum(axis=0), known.harmful | known.harmless
    return [
        {
            "unsafe": count,
            "texts": int(there.sum()),
            "harmful": round(float(known.harmful[there].mean()), 4),
        }
        for count in range(len(votes) + 1)
        if (there := judged & (unsafe == count)).any()
    ]


def confidence(seen: Seen, known: Truth, document: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return, by band of confidence, how many flagged rules it has and what share is right."""
    counts, right = np.zeros(CONFIDENCE_BANDS), np.zeros(CONFIDENCE_BANDS)
    said = np.zeros(CONFIDENCE_BANDS)
    for index, member in enumerate(MEMBERS):
        for column, found, at in _chances(seen, index, document["members"][member.name]):
            rows = (found >= at) & known.known[:, column]
            bands = np.minimum((found[rows] * CONFIDENCE_BANDS).astype(int), CONFIDENCE_BANDS - 1)
            np.add.at(counts, bands, 1)
            np.add.at(right, bands, known.answers[rows, column] == 1)
            np.add.at(said, bands, 5 * found[rows])
    return [
        {
            "from": band,
            "to": band + 1,
            "flags": int(counts[band]),
            "mean": round(float(said[band] / counts[band]), 2),
            "right": round(float(right[band] / counts[band]), 4),
        }
        for band in range(CONFIDENCE_BANDS)
        if counts[band]
    ]


def everyday(panel: Mask, known: Truth) -> dict[str, float]:
    """Return the share of harmless texts that the panel calls unsafe, by register."""
    return {name: round(float(panel[rows].mean()), 4) for name, rows in known.registers.items()}


def _chances(
    seen: Seen, index: int, scales: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[int, Numbers, float]]:
    member = MEMBERS[index]
    heads, companion, words = seen.of(member)
    for column, category_id in enumerate(seen.categories):
        scale = scales[category_id]
        numbers = [scale[name] for name in ("head", "companion", "lexicon", "intercept")]
        facts = features(heads[:, column], companion[:, column], words[:, column])
        yield column, chances(facts, numbers), scale[member.point.value]


def _margins(seen: Seen, index: int, scales: Mapping[str, Mapping[str, float]]) -> Numbers:
    """Return ``[texts, categories]``: by how many log odds a member's threshold is passed."""
    columns: list[Numbers] = []
    for _, found, at in _chances(seen, index, scales):
        kept = np.clip(found, 1e-6, 1 - 1e-6)
        columns.append(np.log(kept / (1 - kept)) - np.log(at / (1 - at)))
    return np.stack(columns, axis=1)


def _disagreement(votes: Votes) -> float:
    """Return how often two members differ, over all pairs."""
    unsafe = votes.sum(axis=0)
    pairs = len(votes) * (len(votes) - 1) / 2
    return float((unsafe * (len(votes) - unsafe) / pairs).mean())

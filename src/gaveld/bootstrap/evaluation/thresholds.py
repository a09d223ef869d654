"""Proposes from which score a category should be reviewed or blocked, by a team's own labels.

A threshold is the lowest that keeps within a budget of false positives. What it would do is
measured on texts that it was not chosen on, and where the texts are too few to say, it says so.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gaveld.bootstrap.evaluation.intervals import Estimate, Flagged, share
from gaveld.bootstrap.evaluation.tally import Tally

FOLDS: Final = 5
FEWEST_POSITIVES: Final = 20
"""Below this many harmful texts, recall could be off by more than 20 points either way."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A text's place in the folds, its score in one category, 0–1, and whether it is harmful."""

    fold: int
    score: float
    is_harmful: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """From which score on to act, in hundredths; None where ``why_not`` says why there is none.

    ``false_positive_rate`` and ``recall`` are measured on held-out texts: each fold's by the
    threshold that the other folds chose. ``recall`` is None where harmful texts are too few.
    """

    budget: float
    threshold: float | None
    why_not: str = ""
    false_positive_rate: Estimate | None = None
    recall: Estimate | None = None


def fold_of(text: str) -> int:
    """Return the text's fold; equal texts share one, so that none is held out from itself."""
    return zlib.crc32(text.encode()) % FOLDS


def fewest_negatives(budget: float) -> int:
    """Return how many harmless texts it takes to tell that a rate is below ``budget``.

    With fewer, even a threshold that flags none of them may exceed the budget, at 95%.
    """
    return math.ceil(math.log(0.05) / math.log1p(-budget))


def propose(texts: Sequence[Scored], budget: float) -> Proposal:
    """Propose the lowest threshold that flags at most ``budget`` (0–1) of the harmless texts."""
    harmless = sum(not text.is_harmful for text in texts)
    needed = fewest_negatives(budget)
    if harmless < needed:
        return Proposal(
            budget,
            None,
            f"too little data: {harmless} harmless texts; {budget:.3g} needs at least {needed}",
        )
    threshold = lowest_within(texts, budget)
    if threshold is None:
        return Proposal(budget, None, "no threshold below 1 keeps within the budget")
    held_out = _held_out(texts, budget)
    enough = held_out.positives >= FEWEST_POSITIVES
    return Proposal(
        budget,
        threshold,
        false_positive_rate=share(held_out.flagged_negatives, held_out.negatives),
        recall=share(held_out.flagged_positives, held_out.positives) if enough else None,
    )


def lowest_within(texts: Sequence[Scored], budget: float) -> float | None:
    """Return the lowest threshold, 0.01–0.99 in hundredths, within the budget; None if none is.

    Of thresholds that flag the very same texts it is the highest, so that it does not lie below
    what any of them scores; of those that flag none, the lowest.
    """
    tally = Tally.of([text.score for text in texts], [text.is_harmful for text in texts])
    allowed = budget * tally.negative_count
    within: int | None = None
    for hundredth in range(1, 100):
        flagged = tally.scores >= hundredth / 100
        if within is None and int(tally.negatives[flagged].sum()) <= allowed:
            within, kept = hundredth, int(flagged.sum())
        elif within is not None and 0 < kept == int(flagged.sum()):
            within = hundredth
    return None if within is None else within / 100


def _held_out(texts: Sequence[Scored], budget: float) -> Flagged:
    hits = alarms = 0
    for fold in range(FOLDS):
        chosen = lowest_within([text for text in texts if text.fold != fold], budget)
        flagged = [
            text
            for text in texts
            if text.fold == fold and chosen is not None and text.score >= chosen
        ]
        hits += sum(text.is_harmful for text in flagged)
        alarms += sum(not text.is_harmful for text in flagged)
    harmful = sum(text.is_harmful for text in texts)
    return Flagged(harmful, hits, len(texts) - harmful, alarms)


@dataclass(frozen=True, slots=True)
class CategoryProposal:
    """What to write into a policy for one category, and on how many texts it rests."""

    category_id: str
    name: str
    texts: int
    harmful: int
    unchecked: int
    review: Proposal
    block: Proposal


def policy_snippet(proposals: Sequence[CategoryProposal], data: str) -> str:
    """Return YAML for a policy: the thresholds, and in comments what they were measured to do."""
    lines = [
        f"# Proposed by `gavel thresholds` from {data}. Rates are of texts held out from the",
        "# choice, with 95% intervals. Read docs/evaluation.md before putting it in force.",
    ]
    body = []
    for entry in proposals:
        unchecked = f", {entry.unchecked} more not checked" * bool(entry.unchecked)
        body.append(f"  # {entry.name}: {entry.texts} texts, {entry.harmful} harmful{unchecked}")
        body += [
            f"  #   {action}: {_outcome(proposal)}"
            for action, proposal in (("review", entry.review), ("block", entry.block))
        ]
        kept = [
            f"{action}: {proposal.threshold:.2f}"
            for action, proposal in (("review", entry.review), ("block", entry.block))
            if proposal.threshold is not None
        ]
        if kept:
            body.append(f"  {entry.category_id}: {{{', '.join(kept)}}}")
    proposes = any(not line.startswith("  #") for line in body)
    return "\n".join([*lines, "categories:" if proposes else "categories: {}", *body]) + "\n"


def _outcome(proposal: Proposal) -> str:
    if proposal.threshold is None or proposal.false_positive_rate is None:
        return proposal.why_not
    recall = "recall: too few harmful texts to say"
    if proposal.recall is not None:
        recall = f"recall {_percent(proposal.recall)}"
    rate = proposal.false_positive_rate
    beyond = "; over budget on texts it was not chosen on" * bool((rate.low or 0) > proposal.budget)
    return (
        f"from {proposal.threshold:.2f}, FPR {_percent(rate)} of {proposal.budget:.3g} allowed, "
        f"{recall}{beyond}"
    )


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.2%} ({estimate.low or 0:.2%}–{estimate.high or 0:.2%})"

"""Adds up reviews of the parts of one thing, and says what the policy wants done because of one.

The sum is a review like any other and no larger than its largest part, so that a conversation may
go on for as long as it likes.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gaveld.application.panels import Review
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.decisions import FlaggedCategory
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import MOST_CONFIDENT, Ballot, Decision
from gaveld.domain.verdicts import Coverage, CoverageStatus, UncheckedCategory

_LONGEST_REASON: Final = 500


def added(before: Review | None, now: Review) -> Review:
    """Return the review of what ``before`` is about and of what comes after it, which is ``now``.

    It is unsafe if either is, flags what either flags, and covers only what both cover. Ballots,
    count and reason are those of the graver of the two, of equal ones the later; evidence, time and
    digest are those of ``now``.
    """
    if before is None:
        return now
    graver = before if _gravity(before) > _gravity(now) else now
    return replace(
        graver,
        flagged=_flagged((*before.flagged, *now.flagged)),
        coverage=_less(before.coverage, now.coverage),
        findings=now.findings,
        risk=None if now.risk is None else max(now.risk, before.risk or 0.0),
        sha256=now.sha256,
        seconds=now.seconds,
    )


def kept(review: Review) -> Review:
    """Return what is remembered of a review: all but its evidence, of bounded size."""
    return replace(
        review,
        reason=review.reason[:_LONGEST_REASON],
        ballots=tuple(_kept_ballot(entry) for entry in review.ballots),
        findings=(),
    )


def action_of(review: Review, policy: Policy) -> Action:
    """Return what the policy says to do with what was reviewed.

    Unsafe is at least for review, and blocks where a finding reaches its category's threshold, or
    the mean confidence, as a share of 5, in a category that at least half of the unsafe ballots
    flag. It also blocks where no category is named: under a custom prompt, say. Safe is never
    blocked by its findings, only sent to review. ``on_incomplete`` stands above both.
    """
    found = max((entry.judged.action for entry in review.findings), default=Action.ALLOW)
    least = Action.ALLOW
    if review.coverage.status is not CoverageStatus.COMPLETE:
        least = policy.on_incomplete
    if review.decision is Decision.SAFE:
        return max(least, min(found, Action.REVIEW))
    shared = [entry for entry in review.flagged if 2 * entry.count >= review.unsafe_count]
    asked = (action_on(entry.id, entry.confidence / MOST_CONFIDENT, policy) for entry in shared)
    return max(least, found, Action.REVIEW, max(asked, default=Action.BLOCK))


def action_on(category_id: str, score: float, policy: Policy) -> Action:
    """Return what the policy says of a category that scores so; what it can't know, it blocks."""
    if category_id not in CATALOGUE:
        return Action.BLOCK
    return policy.rule(category_id).action(score)


def scores_of(review: Review) -> dict[str, float]:
    """Return how likely a review makes each category, 0–1, from its evidence and its ballots.

    What reviewers flag counts for their mean confidence times the share of ballots that flag it.
    """
    scores: dict[str, float] = {}
    for entry in review.findings:
        finding = entry.judged.finding
        scores[finding.category_id] = max(finding.score, scores.get(finding.category_id, 0.0))
    voters = max(review.count.counted, 1)
    for flag in review.flagged:
        if flag.id in CATALOGUE:
            share = min(flag.count / voters, 1.0)
            score = flag.confidence / MOST_CONFIDENT * share
            scores[flag.id] = max(score, scores.get(flag.id, 0.0))
    return scores


def _gravity(review: Review) -> tuple[bool, int, float]:
    severities = {rule.id: rule.severity for rule in review.rules}
    worst = max((severities.get(entry.id, 0) for entry in review.flagged), default=0)
    share = review.unsafe_count / max(review.count.counted, 1)
    return review.decision is Decision.UNSAFE, worst, share


def _flagged(entries: Iterable[FlaggedCategory]) -> tuple[FlaggedCategory, ...]:
    by_id: dict[str, FlaggedCategory] = {}
    for entry in entries:
        known = by_id.get(entry.id)
        if known is None or (entry.count, entry.confidence) > (known.count, known.confidence):
            by_id[entry.id] = entry
    return tuple(
        sorted(by_id.values(), key=lambda entry: (-entry.count, -entry.confidence, entry.id))
    )


def _less(one: Coverage, other: Coverage) -> Coverage:
    if one == other:
        return one
    missed: dict[str, UncheckedCategory] = {}
    for entry in (*one.unchecked, *other.unchecked):
        known = missed.setdefault(entry.category_id, entry)
        names = tuple(sorted({*known.classifiers, *entry.classifiers}))
        missed[entry.category_id] = replace(known, classifiers=names)
    return Coverage(
        min(one.status, other.status),
        tuple(category_id for category_id in one.checked if category_id not in missed),
        tuple(missed.values()),
    )


def _kept_ballot(ballot: Ballot) -> Ballot:
    return replace(ballot, reason=ballot.reason[:_LONGEST_REASON], evidence=(), outcomes=())

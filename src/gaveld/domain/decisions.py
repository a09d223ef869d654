"""Counts ballots: one decision from many, when it is settled, and what the panel found.

Pure functions. Failed ballots change nothing, and the order of ballots never matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from gaveld.domain.categories import Severity
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.policies import CategoryChange, Policy, PolicyOverrides
from gaveld.domain.reviews import MOST_CONFIDENT, Ballot, Decision, Rule
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus
from gaveld.domain.verdicts import Coverage, CoverageStatus, cover

GRAVITY: Final[Mapping[Severity, Fraction]] = MappingProxyType(
    {
        Severity.LOW: Fraction(4, 10),
        Severity.MEDIUM: Fraction(7, 10),
        Severity.HIGH: Fraction(9, 10),
        Severity.CRITICAL: Fraction(1),
    }
)
"""What a rule's severity weighs in the method ``score``."""

_WORST: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Counting:
    """How ballots are counted: the method, and what ``score`` needs to know besides.

    ``threshold`` is the risk, 0–1, from which ``score`` decides unsafe.
    """

    method: DecisionMethod
    rules: tuple[Rule, ...]
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class FlaggedCategory:
    """A rule that ballots flagged: their mean confidence, 0–5, and how many they are."""

    id: str
    name: str
    confidence: float
    count: int


def votes(ballots: Iterable[Ballot], method: DecisionMethod) -> tuple[Ballot, ...]:
    """Return the ballots that the method counts: not failed and, for ``score``, of some weight."""
    weighs = method is DecisionMethod.SCORE
    return tuple(entry for entry in ballots if entry.is_counted and (entry.weight or not weighs))


def decide(ballots: Iterable[Ballot], counting: Counting) -> Decision:
    """Return ``safe`` or ``unsafe``; or ``failed`` if there is no ballot to count.

    An unsafe ballot never makes the decision safer: whatever is unsafe stays so when one is added.
    ``any`` is unsafe wherever another method is, and ``average`` wherever ``all`` is.
    """
    counted = votes(ballots, counting.method)
    if not counted:
        return Decision.FAILED
    unsafe = sum(entry.is_unsafe for entry in counted)
    match counting.method:
        case DecisionMethod.AVERAGE:
            is_unsafe = 2 * unsafe >= len(counted)
        case DecisionMethod.ANY:
            is_unsafe = unsafe > 0
        case DecisionMethod.ALL:
            is_unsafe = unsafe == len(counted)
        case DecisionMethod.SCORE:
            is_unsafe = (
                unsafe > 0 and _risk(_weighed(counted, counting.rules)) >= counting.threshold
            )
    return Decision.UNSAFE if is_unsafe else Decision.SAFE


def risk(ballots: Iterable[Ballot], rules: Sequence[Rule]) -> float:
    """Return the weighed risk of the method ``score``, 0 to 1; 0 without ballots.

    A ballot's risk is the highest, over the rules that it flags, of gravity × confidence / 5, and
    0 for a safe one. The panel's is the mean of these by the reviewers' weights, in which an
    unsafe ballot that is below the mean of the others is left out: a mild alarm must not soften a
    grave one.
    """
    return float(_risk(_weighed(votes(ballots, DecisionMethod.SCORE), rules)))


def is_settled(ballots: Iterable[Ballot], outstanding: Sequence[float], counting: Counting) -> bool:
    """Whether the outstanding ballots can no longer change the decision.

    ``outstanding`` has the weight of each reviewer that has not answered: it may yet vote safe or
    unsafe, however gravely, or fail.
    """
    if not outstanding:
        return True
    counted = votes(ballots, counting.method)
    unsafe, open_ = sum(entry.is_unsafe for entry in counted), len(outstanding)
    match counting.method:
        case DecisionMethod.AVERAGE:
            least, most = 2 * unsafe - len(counted) - open_, 2 * unsafe - len(counted) + open_
            return least >= 0 or most < 0
        case DecisionMethod.ANY:
            return unsafe > 0
        case DecisionMethod.ALL:
            return unsafe < len(counted)
        case DecisionMethod.SCORE:
            return _score_is_settled(
                _weighed(counted, counting.rules), outstanding, counting.threshold
            )


def flagged_categories(
    ballots: Iterable[Ballot], rules: Sequence[Rule]
) -> tuple[FlaggedCategory, ...]:
    """Return the rules that ballots flagged: most ballots first, then most confident, then id."""
    by_rule: dict[str, list[Fraction]] = {}
    for ballot in ballots:
        for entry in ballot.flagged:
            by_rule.setdefault(entry.rule_id, []).append(Fraction(entry.confidence))
    names = {rule.id: rule.name for rule in rules}
    found = (
        FlaggedCategory(rule_id, names[rule_id], float(sum(all_) / len(all_)), len(all_))
        for rule_id, all_ in by_rule.items()
    )
    return tuple(sorted(found, key=lambda entry: (-entry.count, -entry.confidence, entry.id)))


def is_degraded(asked: int, failed: int) -> bool:
    """Whether fewer than half of the reviewers asked were able to vote.

    Those that were stopped because the decision was settled did not fail.
    """
    return 2 * (asked - failed) < asked


def cover_panel(
    ballots: Iterable[Ballot], rules: Sequence[Rule], policy: Policy, *, degraded: bool
) -> Coverage:
    """Return which categories the counted ballots' evidence covers.

    A ballot without evidence stands for its reviewer's own look at the rules in force. Categories
    whose rule is not in force are not required. A degraded panel's coverage is never complete.
    """
    in_force = frozenset(rule.id for rule in rules)
    outcomes: dict[tuple[str, str], ClassifierOutcome] = {}
    for ballot in ballots:
        if not ballot.is_counted:
            continue
        own = ClassifierCard(ballot.reviewer, ballot.model_version, in_force)
        for entry in ballot.outcomes or (ClassifierOutcome(own, OutcomeStatus.RAN),):
            outcomes.setdefault((entry.card.name, entry.card.version), entry)
    idle = {entry: CategoryChange(required=False) for entry in policy.required - in_force}
    coverage = cover(outcomes.values(), policy.with_overrides(PolicyOverrides(idle)))
    if not degraded:
        return coverage
    return replace(coverage, status=min(coverage.status, CoverageStatus.PARTIAL))


_Weighed = tuple[bool, Fraction, Fraction]
"""Whether a ballot is unsafe, its weight and its risk."""


def _weighed(ballots: Iterable[Ballot], rules: Sequence[Rule]) -> list[_Weighed]:
    gravity = {rule.id: GRAVITY[rule.severity] for rule in rules}
    return [
        (entry.is_unsafe, Fraction(entry.weight), _risk_of(entry, gravity)) for entry in ballots
    ]


def _risk_of(ballot: Ballot, gravity: Mapping[str, Fraction]) -> Fraction:
    if not ballot.is_unsafe:
        return Fraction(0)
    if not ballot.flagged:  # it can't say which rule, and may mean any
        return GRAVITY[Severity.MEDIUM]
    return max(
        gravity[entry.rule_id] * Fraction(entry.confidence) / Fraction(MOST_CONFIDENT)
        for entry in ballot.flagged
    )


def _risk(weighed: Iterable[_Weighed]) -> Fraction:
    # Exact, so that neither order nor rounding can tip a threshold.
    unsafe: list[tuple[Fraction, Fraction]] = []
    total, weight = Fraction(0), Fraction(0)
    for is_unsafe, its_weight, its_risk in weighed:
        if is_unsafe:
            unsafe.append((its_risk, its_weight))
        else:
            weight += its_weight
    for its_risk, its_weight in sorted(unsafe, reverse=True):
        if its_risk * weight < total:  # below the mean so far, and so are the rest
            break
        total += its_risk * its_weight
        weight += its_weight
    return total / weight if weight else Fraction(0)


def _score_is_settled(
    weighed: Sequence[_Weighed], outstanding: Sequence[float], threshold: float
) -> bool:
    left = [Fraction(weight) for weight in outstanding if weight]
    if not left:
        return True
    if any(is_unsafe for is_unsafe, _, _ in weighed):
        all_safe = [*weighed, *((False, weight, Fraction(0)) for weight in left)]
        if _risk(all_safe) >= threshold:
            return True
    all_unsafe = [*weighed, *((True, weight, _WORST) for weight in left)]
    return _risk(all_unsafe) < threshold

"""From signals and a policy to a verdict: one pure function, and no other place decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.policies import Policy
from gaveld.domain.rules import RuleOutcome, RuleStatus
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)
from gaveld.domain.weighing import weigh


class CoverageStatus(IntEnum):
    """How much of what the policy requires was looked at."""

    NONE = 1
    PARTIAL = 2
    COMPLETE = 3


@dataclass(frozen=True, slots=True)
class UncheckedCategory:
    """A category that was not, or not fully, looked at.

    ``status`` is the worst of what kept its classifiers from checking; ``classifiers`` names them
    and is empty when none is known.
    """

    category_id: str
    status: OutcomeStatus
    classifiers: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was checked and what was not. ``checked`` and ``unchecked`` part the catalogue."""

    status: CoverageStatus
    checked: tuple[str, ...]
    unchecked: tuple[UncheckedCategory, ...]


@dataclass(frozen=True, slots=True)
class JudgedFinding:
    """A finding and what the policy asks for because of it alone."""

    finding: Finding
    action: Action


@dataclass(frozen=True, slots=True)
class Cause:
    """A category whose findings ask for more than to allow.

    ``score`` is the category's highest, and ``threshold`` the one that it reached; both 0–1.
    """

    category_id: str
    action: Action
    score: float
    threshold: float


@dataclass(frozen=True, slots=True)
class RuleCause:
    """A rule that asks for more than to allow: its condition held, or could not be worked out."""

    rule_id: str
    name: str
    action: Action
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and on how much of a look that rests.

    ``findings`` and ``causes`` are strictest action first, then by score; ``rule_causes`` strictest
    first, then in the policy's order. ``by_incompleteness`` is true when the action was raised by
    ``on_incomplete`` for a check that was not made, and not by a finding or a rule.
    """

    action: Action
    coverage: Coverage
    findings: tuple[JudgedFinding, ...]
    causes: tuple[Cause, ...]
    policy_revision: str
    by_incompleteness: bool = False
    rule_causes: tuple[RuleCause, ...] = ()


def judge(signals: Signals, policy: Policy) -> Verdict:
    """Return the policy's verdict on the signals.

    What lists of words found is weighed first. The action is the strictest that any finding asks
    for, raised to ``on_incomplete`` when a required category was not fully checked. Raising a score
    never softens it, the order of signals never matters, and losing a classifier never raises the
    coverage.
    """
    return judge_weighed(weigh(signals), signals.outcomes, policy)


def judge_weighed(
    findings: Iterable[Finding], outcomes: Iterable[ClassifierOutcome], policy: Policy
) -> Verdict:
    """Return the policy's verdict on findings that were weighed already; see ``judge``."""
    judged = sorted(
        (
            JudgedFinding(finding, policy.rule(finding.category_id).action(finding.score))
            for finding in findings
        ),
        key=strictest_first,
    )
    found = max((entry.action for entry in judged), default=Action.ALLOW)
    coverage = cover(outcomes, policy)
    action = found
    if coverage.status is not CoverageStatus.COMPLETE:
        action = max(found, policy.on_incomplete)
    return Verdict(
        action, coverage, tuple(judged), _causes(judged, policy), policy.revision, action > found
    )


def raised_by_rules(verdict: Verdict, outcomes: Iterable[RuleOutcome], policy: Policy) -> Verdict:
    """Return the verdict as the rules leave it: never milder than it was.

    A rule that matched asks for its own least action. One that failed was a check that could not
    be made, so it asks for ``on_incomplete``, but for no more than it could have asked for itself.
    Shadow rules ask for nothing.
    """
    causes = []
    for outcome in outcomes:
        rule = outcome.rule
        if rule.shadow or rule.verdict is None or outcome.status is RuleStatus.NOT_MATCHED:
            continue
        failed = outcome.status is RuleStatus.FAILED
        action = min(rule.verdict, policy.on_incomplete) if failed else rule.verdict
        if action is not Action.ALLOW:
            causes.append(RuleCause(rule.id, rule.name, action, failed))
    if not causes:
        return verdict
    causes.sort(key=lambda cause: -cause.action)
    action = max(verdict.action, causes[0].action)
    return replace(
        verdict,
        action=action,
        by_incompleteness=verdict.by_incompleteness and action is verdict.action,
        rule_causes=tuple(causes),
    )


def category_scores(verdict: Verdict) -> dict[str, float]:
    """Return the highest score of every category that was checked, 0 where nothing was found."""
    scores = dict.fromkeys(verdict.coverage.checked, 0.0)
    for entry in verdict.findings:
        category_id = entry.finding.category_id
        if category_id in scores:
            scores[category_id] = max(scores[category_id], entry.finding.score)
    return scores


def known_scores(verdict: Verdict, outcomes: Iterable[ClassifierOutcome]) -> dict[str, float]:
    """Return the highest score of every category that all classifiers of it looked for.

    That is more than what counts as checked: what no classifier could see in one of several pieces,
    such as an insult in a picture's pixels, leaves known what was read in the others.
    """
    looked: dict[str, bool] = {}
    for entry in outcomes:
        if not entry.card.is_blind_spot:
            for category in entry.card.categories:
                looked[category] = looked.get(category, True) and entry.missed_as is None
    scores = {category: 0.0 for category, by_all in sorted(looked.items()) if by_all}
    for found in verdict.findings:
        category = found.finding.category_id
        if category in scores:
            scores[category] = max(scores[category], found.finding.score)
    return scores


def cover(outcomes: Iterable[ClassifierOutcome], policy: Policy) -> Coverage:
    """Return which categories were looked at by every classifier that should have.

    The status speaks of the categories that the policy requires: complete when each of them was
    fully checked, none when no classifier of any of them ran, partial in between. A blind spot
    leaves a category unchecked, and no more is required of it than that the others looked.
    """
    key = tuple(
        (entry.card, entry.missed_as, entry.status is OutcomeStatus.RAN) for entry in outcomes
    )
    return _cover(key, policy.required)


@lru_cache(maxsize=1024)  # most calls have the same outcomes, and this is half of judging
def _cover(
    outcomes: tuple[tuple[ClassifierCard, OutcomeStatus | None, bool], ...],
    required: frozenset[str],
) -> Coverage:
    checked: list[str] = []
    unchecked: list[UncheckedCategory] = []
    was_looked_at = False
    for category in CATALOGUE:
        concerned = [entry for entry in outcomes if category in entry[0].categories]
        missing = [(card.name, status) for card, status, _ in concerned if status is not None]
        able = [status for card, status, _ in concerned if not card.is_blind_spot]
        if category in required and any(ran or status is None for _, status, ran in concerned):
            was_looked_at = True
        if concerned and not missing:
            checked.append(category)
            continue
        unchecked.append(
            UncheckedCategory(
                category,
                max((s for _, s in missing), key=_BADNESS.index, default=_NOT_INSTALLED),
                tuple(sorted(name for name, _ in missing)),
                category in required and (not able or any(able)),
            )
        )
    if not any(entry.required for entry in unchecked):
        status = CoverageStatus.COMPLETE
    else:
        status = CoverageStatus.PARTIAL if was_looked_at else CoverageStatus.NONE
    return Coverage(status, tuple(checked), tuple(unchecked))


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on several pieces of content that stand or fall together.

    The strictest action wins, and a category is checked where it was in every piece. There is at
    least one verdict, and all are of one policy.
    """
    first = verdicts[0]
    if len(verdicts) == 1:
        return first
    findings = sorted((f for entry in verdicts for f in entry.findings), key=strictest_first)
    causes: dict[str, Cause] = {}
    for cause in sorted(
        (cause for entry in verdicts for cause in entry.causes),
        key=lambda cause: (-cause.action, -cause.score, cause.category_id),
    ):
        causes.setdefault(cause.category_id, cause)
    action = max(entry.action for entry in verdicts)
    rule_causes = sorted(
        dict.fromkeys(cause for entry in verdicts for cause in entry.rule_causes),
        key=lambda cause: -cause.action,
    )
    asked = [*(entry.action for entry in findings), *(cause.action for cause in rule_causes)]
    found = max(asked, default=Action.ALLOW)
    coverage = _combined_coverage([entry.coverage for entry in verdicts])
    return Verdict(
        action,
        coverage,
        tuple(findings),
        tuple(causes.values()),
        first.policy_revision,
        action > found,
        tuple(rule_causes),
    )


def _combined_coverage(coverages: Sequence[Coverage]) -> Coverage:
    unchecked: dict[str, UncheckedCategory] = {}
    for entry in (entry for coverage in coverages for entry in coverage.unchecked):
        before = unchecked.get(entry.category_id, entry)
        unchecked[entry.category_id] = UncheckedCategory(
            entry.category_id,
            max(before.status, entry.status, key=_BADNESS.index),
            tuple(sorted({*before.classifiers, *entry.classifiers})),
            before.required or entry.required,
        )
    statuses = {coverage.status for coverage in coverages}
    return Coverage(
        statuses.pop() if len(statuses) == 1 else CoverageStatus.PARTIAL,
        tuple(category for category in CATALOGUE if category not in unchecked),
        tuple(unchecked[category] for category in CATALOGUE if category in unchecked),
    )


def is_settled(signals: Signals, policy: Policy) -> bool:
    """Whether the verdict blocks already, and does so whatever else is learnt.

    What lists of words found does not count, for a reader of sentences may still take it back.
    """
    wordy = {entry.card.name for entry in signals.outcomes if entry.card.reads_words_only}
    if any(
        policy.rule(finding.category_id).action(finding.score) is Action.BLOCK
        for finding in signals.findings
        if finding.classifier not in wordy
    ):
        return True
    return policy.on_incomplete is Action.BLOCK and any(
        entry.missed_as is not None and entry.card.categories & policy.required
        for entry in signals.outcomes
        if not entry.card.is_blind_spot
    )


def _causes(judged: Iterable[JudgedFinding], policy: Policy) -> tuple[Cause, ...]:
    causes: dict[str, Cause] = {}
    for entry in judged:
        category_id, score = entry.finding.category_id, entry.finding.score
        threshold = policy.rule(category_id).threshold(entry.action)
        if threshold is not None and category_id not in causes:
            causes[category_id] = Cause(category_id, entry.action, score, threshold)
    return tuple(causes.values())


_NOT_INSTALLED = OutcomeStatus.NOT_INSTALLED
_BADNESS = (
    OutcomeStatus.SKIPPED,
    OutcomeStatus.NOT_INSTALLED,
    OutcomeStatus.TIMED_OUT,
    OutcomeStatus.FAILED,
)


def strictest_first(entry: JudgedFinding) -> tuple[object, ...]:
    """Return what findings are sorted by: the strictest action first, then the highest score."""
    finding = entry.finding
    return (
        -entry.action,
        -finding.score,
        -finding.severity,
        finding.category_id,
        finding.span or (-1, -1),
        finding.classifier,
        finding.version,
        finding.reason,
    )

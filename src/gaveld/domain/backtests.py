"""What another policy would have decided: a decision judged again, why it changes, and the sum.

It rests on what was found at the time. What a policy would have looked for otherwise can't be told.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, JudgedPart
from gaveld.domain.policies import Policy
from gaveld.domain.rules import Rule, RuleFacts, RuleOutcome, RuleStatus
from gaveld.domain.verdicts import Verdict, combined, judge_weighed, raised_by_rules

OVERRIDDEN: Final = "+overrides"
"""How the revision of a policy ends that one call changed."""

_WORDS: Final = re.compile(r"\b(?:content|ocr_text)\b")
"""The variables of conditions that hold what is erased where the policy keeps no content."""


@dataclass(frozen=True, slots=True)
class ChangeCause:
    """Why a decision would change: one of a category and a rule, or neither where nobody can say.

    ``is_unchecked``: because the category was not checked, not for what was found in it.
    """

    category_id: str = ""
    rule_id: str = ""
    is_unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Retrial:
    """What became of one decision: the action of then, the one of now, and why they differ.

    ``after`` is None where it can't be told, which ``missing`` says: the rules that need what is
    not stored, or none of them if the call changed its policy.
    """

    before: Action
    after: Action | None
    causes: tuple[ChangeCause, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether it is known to come out otherwise."""
        return self.after not in (None, self.before)


def judged_again(decision: Decision, policy: Policy) -> Verdict:
    """Return the policy's verdict on what was found, before its rules."""
    parts = decision.parts or (JudgedPart("", (), ()),)
    return combined([judge_weighed(part.findings, part.outcomes, policy) for part in parts])


def facts_under(decision: Decision, verdict: Verdict) -> RuleFacts:
    """Return what rules see of the decision where thresholds give this verdict."""
    acting = (entry for entry in verdict.findings if entry.action is not Action.ALLOW)
    return replace(
        decision.facts,
        findings=frozenset(entry.finding.category_id for entry in acting),
        verdict=verdict.action.name.lower(),
        coverage=verdict.coverage.status.name.lower(),
    )


def retried(
    decision: Decision,
    verdict: Verdict,
    outcomes: Sequence[RuleOutcome],
    policy: Policy,
    then: Policy | None,
) -> Retrial:
    """Return what becomes of a decision under ``policy``.

    ``verdict`` is ``judged_again``, and ``outcomes`` how the rules came out on ``facts_under`` it.
    ``then`` is the policy that decided, None if it is not known any more.
    """
    before = decision.action
    if decision.policy_revision.endswith(OVERRIDDEN):
        return Retrial(before, None)
    known, unknown = _told(decision, facts_under(decision, verdict), outcomes, policy, then)
    least = raised_by_rules(verdict, known, policy)
    worst = (replace(entry, status=RuleStatus.MATCHED) for entry in unknown)
    if raised_by_rules(verdict, (*known, *worst), policy).action is not least.action:
        return Retrial(before, None, missing=tuple(entry.rule.id for entry in unknown))
    after = least.action
    if after is before:
        return Retrial(before, after)
    causes = _asking(least, after) if after > before else _asked(decision, after, then)
    return Retrial(before, after, causes or (ChangeCause(),))


def _told(
    decision: Decision,
    facts: RuleFacts,
    outcomes: Iterable[RuleOutcome],
    policy: Policy,
    then: Policy | None,
) -> tuple[list[RuleOutcome], list[RuleOutcome]]:
    """Part the outcomes into those that are told and those that what is not stored may change."""
    is_all_stored = facts.content is not None and facts.ocr_text is not None
    statuses = dict(decision.rules) if facts == decision.facts and then is not None else {}
    rules_then = {} if then is None else {rule.id: rule for rule in then.rules}
    has_same_types = then is not None and then.content_types == policy.content_types
    known, unknown = [], []
    for outcome in outcomes:
        rule = outcome.rule
        if outcome.status is not RuleStatus.FAILED or is_all_stored or not _names_words(rule):
            known.append(outcome)
        elif has_same_types and rule.id in statuses and _asks_alike(rule, rules_then.get(rule.id)):
            # The same rule on the same facts came out so when all of them were there.
            known.append(replace(outcome, status=statuses[rule.id]))
        elif not rule.shadow:
            unknown.append(outcome)
    return known, unknown


def _names_words(rule: Rule) -> bool:
    """Return whether the condition may ask for what is not stored; if not, that changes nothing."""
    return _WORDS.search(rule.condition) is not None


def _asks_alike(rule: Rule, other: Rule | None) -> bool:
    return other is not None and rule.condition == other.condition


def _asking(verdict: Verdict, least: Action) -> tuple[ChangeCause, ...]:
    """Return all that asks for this action or a stricter one."""
    causes = [ChangeCause(cause.category_id) for cause in verdict.causes if cause.action >= least]
    causes += [ChangeCause(rule_id=c.rule_id) for c in verdict.rule_causes if c.action >= least]
    if verdict.by_incompleteness and verdict.action >= least:
        unchecked = (entry for entry in verdict.coverage.unchecked if entry.required)
        causes += [ChangeCause(entry.category_id, is_unchecked=True) for entry in unchecked]
    return tuple(causes)


def _asked(decision: Decision, after: Action, then: Policy | None) -> tuple[ChangeCause, ...]:
    """Return all that asked for more than ``after`` when it was decided."""
    matched = [rule_id for rule_id, status in decision.rules if status is RuleStatus.MATCHED]
    if then is None:
        categories = [ChangeCause(category_id) for category_id in decision.category_ids]
        return (*categories, *(ChangeCause(rule_id=rule_id) for rule_id in matched))
    rules = {rule.id: rule for rule in then.rules}
    outcomes = [
        RuleOutcome(rules[rule_id], status)
        for rule_id, status in decision.rules
        if rule_id in rules
    ]
    verdict = raised_by_rules(judged_again(decision, then), outcomes, then)
    return _asking(verdict, Action(after + 1))


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """How many decisions would change so, by one cause, and the content ids of some of them."""

    cause: ChangeCause
    before: Action
    after: Action
    count: int
    content_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What another policy would have decided.

    A decision with several causes is in as many ``rows``, and once in ``moves``, which count what
    was decided and what would be, unchanged ones too. ``warnings`` say what can't be told.
    """

    decision_count: int
    changed_count: int
    unjudged_count: int
    rows: tuple[BacktestRow, ...] = ()
    moves: Mapping[tuple[Action, Action], int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class BacktestTally:
    """Sums up retrials under a policy.

    ``max_samples`` is how many content ids each row names, the first.
    """

    def __init__(self, policy: Policy, max_samples: int) -> None:
        self._rule_names = {rule.id: rule.name for rule in policy.rules}
        self._max_samples = max_samples
        self._moves: Counter[tuple[Action, Action]] = Counter()
        self._rows: Counter[tuple[ChangeCause, Action, Action]] = Counter()
        self._samples: dict[tuple[ChangeCause, Action, Action], list[str]] = {}
        self._missing: Counter[str] = Counter()
        self._overridden = 0
        self._unjudged = 0

    @property
    def tried_count(self) -> int:
        """How many were added."""
        return self._moves.total() + self._unjudged

    def add(self, content_id: str, retrial: Retrial) -> None:
        """Count one decision."""
        if retrial.after is None:
            self._unjudged += 1
            self._overridden += not retrial.missing
            self._missing.update(retrial.missing)
            return
        self._moves[retrial.before, retrial.after] += 1
        for cause in retrial.causes:
            key = (cause, retrial.before, retrial.after)
            self._rows[key] += 1
            samples = self._samples.setdefault(key, [])
            if len(samples) < self._max_samples and content_id not in samples:
                samples.append(content_id)

    def report(self, warnings: Iterable[str] = ()) -> BacktestReport:
        """Return the sum, the largest rows first."""
        rows = [
            BacktestRow(*key, count, tuple(self._samples[key])) for key, count in self._rows.items()
        ]
        rows.sort(key=lambda r: (-r.count, -r.after, r.cause.category_id, r.cause.rule_id))
        return BacktestReport(
            decision_count=self.tried_count,
            changed_count=sum(n for (before, after), n in self._moves.items() if before != after),
            unjudged_count=self._unjudged,
            rows=tuple(rows),
            moves=dict(self._moves),
            warnings=(*warnings, *self._untold()),
        )

    def _untold(self) -> Iterable[str]:
        for rule_id, count in self._missing.most_common():
            yield (
                f"{_decisions_are(count)} unjudged: "
                f"rule {self._rule_names.get(rule_id, rule_id)!r} needs content that is not stored."
            )
        if self._overridden:
            yield (
                f"{_decisions_are(self._overridden)} unjudged: "
                "a call changed the policy, and how is not stored."
            )


def _decisions_are(count: int) -> str:
    return "1 decision is" if count == 1 else f"{count:,} decisions are"


def sections_that_look(policy: Policy) -> Mapping[str, object]:
    """Return the parts of a policy that say what is looked for, and so change what is found."""
    return {
        "term_lists": policy.term_lists,
        "allowed_terms": frozenset(policy.allowed_terms),
        "blocked_domains": frozenset(policy.blocked_domains),
        "allowed_domains": frozenset(policy.allowed_domains),
        "hash_banks": policy.hash_banks,
        "expected_languages": policy.expected_languages,
        "content_types": policy.content_types,
    }

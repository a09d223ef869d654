"""The laws of judgement, over every input that hypothesis can think of, and a table of cases."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)
from gaveld.domain.verdicts import CoverageStatus, cover, judge
from tests.unit.domain import strategies as some


@given(some.signals, some.policies, st.data())
def test_raising_a_score_never_softens(signals: Signals, policy: Policy, data: st.DataObject):
    """Law: a finding that is surer never makes the action milder."""
    before = judge(signals, policy).action
    raised = tuple(
        replace(finding, score=data.draw(st.floats(finding.score, 1)))
        for finding in signals.findings
    )
    assert judge(replace(signals, findings=raised), policy).action >= before


@given(some.signals, some.policies, st.randoms())
def test_order_is_irrelevant(signals: Signals, policy: Policy, random):
    """Law: the verdict does not depend on which classifier answered first."""
    findings, outcomes = list(signals.findings), list(signals.outcomes)
    random.shuffle(findings)
    random.shuffle(outcomes)
    assert judge(Signals(tuple(findings), tuple(outcomes)), policy) == judge(signals, policy)


@given(
    some.signals.filter(lambda signals: signals.outcomes),
    some.policies,
    st.sampled_from([status for status in OutcomeStatus if status is not OutcomeStatus.RAN]),
    st.data(),
)
def test_losing_a_classifier_never_raises_coverage(signals, policy, status, data):
    """Law: a classifier that did not run can only take away from what was checked."""
    lost = data.draw(st.integers(0, len(signals.outcomes) - 1))
    fewer = tuple(
        replace(outcome, status=status) if index == lost else outcome
        for index, outcome in enumerate(signals.outcomes)
    )
    before, after = cover(signals.outcomes, policy), cover(fewer, policy)
    assert after.status <= before.status
    assert set(after.checked) <= set(before.checked)


@given(some.signals, some.policies)
def test_an_incomplete_verdict_is_never_silently_allowed(signals: Signals, policy: Policy):
    """Law: without complete coverage the action is at least what on_incomplete says."""
    verdict = judge(signals, policy)
    if verdict.coverage.status is CoverageStatus.COMPLETE:
        assert not verdict.by_incompleteness
    else:
        assert verdict.action >= policy.on_incomplete
        unchecked = [entry for entry in verdict.coverage.unchecked if entry.required]
        assert unchecked


@given(some.signals, some.policies)
def test_checked_and_unchecked_part_the_catalogue(signals: Signals, policy: Policy):
    """Law: every category is either checked or named as not checked, never both."""
    coverage = cover(signals.outcomes, policy)
    ids = [*coverage.checked, *(entry.category_id for entry in coverage.unchecked)]
    assert sorted(ids) == sorted(CATALOGUE)


@given(some.signals, some.policies)
def test_every_action_beyond_allow_has_a_cause(signals: Signals, policy: Policy):
    """Law: a verdict that is not allow names a category that reached its threshold, or coverage."""
    verdict = judge(signals, policy)
    worst = max((cause.action for cause in verdict.causes), default=Action.ALLOW)
    assert verdict.action is worst or verdict.by_incompleteness
    assert all(cause.score >= cause.threshold for cause in verdict.causes)


CARD = ClassifierCard("one", "1", frozenset({"H2", "H3"}))
RAN = ClassifierOutcome(CARD, OutcomeStatus.RAN)
POLICY = Policy("test@1", {"H2": CategoryRule(0.5, 0.9, required=True)})


@pytest.mark.parametrize(
    ("score", "action"),
    [(0.0, Action.ALLOW), (0.49, Action.ALLOW), (0.5, Action.REVIEW), (0.9, Action.BLOCK)],
)
def test_thresholds_are_inclusive(score: float, action: Action):
    """Law: a score that equals a threshold reaches it."""
    finding = Finding("H2", score, "a word", "one", "1")
    assert judge(Signals((finding,), (RAN,)), POLICY).action is action


def test_a_category_without_a_rule_never_acts():
    """Law: what the policy does not mention is reported and nothing more."""
    finding = Finding("H3", 1.0, "a threat", "one", "1")
    verdict = judge(Signals((finding,), (RAN,)), POLICY)
    assert verdict.action is Action.ALLOW
    assert [entry.finding for entry in verdict.findings] == [finding]


@pytest.mark.parametrize(
    ("statuses", "coverage"),
    [
        ([], CoverageStatus.NONE),
        ([OutcomeStatus.RAN], CoverageStatus.COMPLETE),
        ([OutcomeStatus.FAILED], CoverageStatus.NONE),
        ([OutcomeStatus.RAN, OutcomeStatus.TIMED_OUT], CoverageStatus.PARTIAL),
        ([OutcomeStatus.SKIPPED, OutcomeStatus.SKIPPED], CoverageStatus.NONE),
    ],
)
def test_coverage_of_a_required_category(statuses, coverage):
    """Law: complete means that every classifier of a required category ran, none that none did."""
    outcomes = [ClassifierOutcome(CARD, status) for status in statuses]
    assert cover(outcomes, POLICY).status is coverage


def test_a_category_that_nothing_covers_is_named_not_installed():
    """Law: no installed classifier is said as such, and names none."""
    entry = next(e for e in cover([RAN], POLICY).unchecked if e.category_id == "S3")
    assert entry.status is OutcomeStatus.NOT_INSTALLED
    assert entry.classifiers == ()
    assert not entry.required


def test_the_worst_of_several_failures_is_named():
    """Law: a failure outweighs a classifier that was skipped."""
    other = replace(CARD, name="two")
    outcomes = [
        ClassifierOutcome(CARD, OutcomeStatus.SKIPPED),
        ClassifierOutcome(other, OutcomeStatus.FAILED),
    ]
    entry = next(e for e in cover(outcomes, POLICY).unchecked if e.category_id == "H2")
    assert (entry.status, entry.classifiers) == (OutcomeStatus.FAILED, ("one", "two"))

"""The laws by which ballots become a decision."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gaveld.domain.decisions import (
    Counting,
    cover_panel,
    decide,
    flagged_categories,
    is_degraded,
    is_settled,
    risk,
    votes,
)
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.reviews import Ballot, Decision, FlaggedRule, custom_rule, rules_in_force
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus
from gaveld.domain.verdicts import CoverageStatus
from tests.unit.domain.review_strategies import (
    RULES,
    ballots,
    countings,
    failed_ballots,
    panels,
    unsafe_ballots,
)

UNSAFE, SAFE, FAILED = Decision.UNSAFE, Decision.SAFE, Decision.FAILED
AVERAGE, ANY, ALL, SCORE = (
    DecisionMethod.AVERAGE,
    DecisionMethod.ANY,
    DecisionMethod.ALL,
    DecisionMethod.SCORE,
)
POLICY = Policy("house@1", {"H1": CategoryRule(0.5, required=True)})


def ballot(decision: Decision, weight: float = 1.0, **flags: float) -> Ballot:
    """Return a ballot that flags the rules named, with their confidence."""
    flagged = tuple(FlaggedRule(rule_id, sure) for rule_id, sure in flags.items())
    return Ballot("one", decision, "a reason", "model", flagged=flagged, weight=weight)


@given(panels, countings)
def test_any_holds_all_that_average_holds_and_average_all_that_all_holds(panel, counting):
    """Law: any ⊇ average ⊇ all, and any ⊇ score."""
    by = {method: decide(panel, replace(counting, method=method)) for method in DecisionMethod}
    if by[ALL] is UNSAFE:
        assert by[AVERAGE] is UNSAFE
    if UNSAFE in (by[AVERAGE], by[SCORE]):
        assert by[ANY] is UNSAFE


@given(panels, countings, unsafe_ballots)
def test_an_unsafe_ballot_never_makes_content_safer(panel, counting, another):
    """Law: what is unsafe stays so when an unsafe ballot is added, and its risk never falls."""
    if decide(panel, counting) is UNSAFE:
        assert decide([*panel, another], counting) is UNSAFE
    assert risk([*panel, another], RULES) >= risk(panel, RULES)


@given(panels, countings, st.lists(failed_ballots, max_size=5))
def test_failed_ballots_change_nothing(panel, counting, failed):
    """Law: a ballot that is no vote changes neither decision, nor risk, nor what was flagged."""
    assert decide([*failed, *panel], counting) is decide(panel, counting)
    assert risk([*failed, *panel], RULES) == risk(panel, RULES)
    assert flagged_categories([*failed, *panel], RULES) == flagged_categories(panel, RULES)


@given(panels, countings, st.randoms(use_true_random=False))
def test_order_is_irrelevant(panel, counting, random):
    """Law: ballots may come in any order."""
    shuffled = random.sample(panel, len(panel))
    assert decide(shuffled, counting) is decide(panel, counting)
    assert risk(shuffled, RULES) == risk(panel, RULES)
    assert flagged_categories(shuffled, RULES) == flagged_categories(panel, RULES)


@given(panels, panels, countings)
def test_what_is_settled_the_full_count_confirms(early, late, counting):
    """Law: once settled, no outstanding ballot changes the decision, whatever it says."""
    assume(is_settled(early, [entry.weight for entry in late], counting))
    assert decide(early, counting) is decide([*early, *late], counting)


@given(st.lists(ballots, min_size=1, max_size=10), countings)
def test_nothing_is_settled_before_the_first_vote(outstanding, counting):
    """Law: a decision rests on a vote; with none yet, one that may weigh is waited for."""
    weighing = [entry.weight for entry in outstanding if entry.weight]
    assume(weighing)
    assert not is_settled([], weighing, counting)


@given(panels, countings)
def test_no_vote_is_never_safe(panel, counting):
    """Law: a panel without a vote to count decides nothing."""
    counted = votes(panel, counting.method)
    assert (decide(panel, counting) is FAILED) == (not counted)


@pytest.mark.parametrize(
    ("method", "unsafe", "safe", "outstanding", "settled"),
    [
        (AVERAGE, 5, 0, 5, True),
        (AVERAGE, 4, 0, 5, False),
        (AVERAGE, 0, 6, 4, True),
        (AVERAGE, 0, 5, 5, False),
        (ANY, 1, 0, 9, True),
        (ANY, 0, 9, 1, False),
        (ALL, 0, 1, 9, True),
        (ALL, 9, 0, 1, False),
        (SCORE, 5, 0, 5, True),
        (SCORE, 4, 0, 5, False),
        (SCORE, 0, 6, 4, True),
        (SCORE, 0, 5, 5, False),
    ],
)
def test_a_panel_stops_as_soon_as_it_may(method, unsafe, safe, outstanding, settled):
    """Law: settlement comes with the first ballot that settles, no later."""
    cast = [ballot(UNSAFE, D1=5.0)] * unsafe + [ballot(SAFE)] * safe
    assert is_settled(cast, [1.0] * outstanding, Counting(method, RULES)) is settled


def test_the_worked_example_of_score():
    """Law: the example in docs/compliance.md is what the code computes."""
    panel = [ballot(UNSAFE, H1=5.0), ballot(UNSAFE, 2.0, H2=4.0, H1=2.0), ballot(SAFE)]
    assert risk(panel, RULES) == pytest.approx((0.9 * 1 + 0.56 * 2 + 0 * 1) / 4)
    assert decide(panel, Counting(SCORE, RULES)) is UNSAFE
    assert decide(panel, Counting(SCORE, RULES, 0.51)) is SAFE


def test_a_mild_alarm_does_not_soften_a_grave_one():
    """Law: an unsafe ballot below the mean is left out of it."""
    assert risk([ballot(UNSAFE, D1=5.0), ballot(UNSAFE, L1=1.0)], RULES) == 1.0


def test_flagged_categories_have_mean_and_count():
    """Law: a category's score is the mean confidence of those that flagged it; most come first."""
    panel = [ballot(UNSAFE, H1=4.0, L1=5.0), ballot(UNSAFE, H1=3.0), ballot(SAFE)]
    first, second = flagged_categories(panel, RULES)
    assert (first.id, first.name, first.confidence, first.count) == ("H1", "Hate Speech", 3.5, 2)
    assert (second.id, second.confidence, second.count) == ("L1", 5.0, 1)


@pytest.mark.parametrize(
    ("asked", "failed", "degraded"), [(10, 5, False), (10, 6, True), (1, 0, False), (1, 1, True)]
)
def test_a_panel_is_degraded_when_fewer_than_half_can_vote(asked, failed, degraded):
    """Law: exactly half is enough."""
    assert is_degraded(asked, failed) is degraded


def test_a_reviewer_without_evidence_covers_the_rules_that_it_was_given():
    """Law: such a ballot checks the rules in force and no other; a failed one checks nothing."""
    rules = rules_in_force(["H2"])
    coverage = cover_panel([ballot(SAFE)], rules, POLICY, degraded=False)
    assert coverage.status is CoverageStatus.COMPLETE
    assert set(coverage.checked) == {rule.id for rule in rules}
    coverage = cover_panel([ballot(FAILED)], rules, POLICY, degraded=False)
    assert (coverage.status, coverage.checked) == (CoverageStatus.NONE, ())


def test_evidence_that_did_not_look_is_not_covered():
    """Law: a ballot that rests on classifiers covers what these checked."""
    card = ClassifierCard("model", "1", frozenset({"H1"}))
    blind = ClassifierOutcome(card, OutcomeStatus.SKIPPED, reason="It does not read es.")
    cast = replace(ballot(SAFE), outcomes=(blind,))
    coverage = cover_panel([cast], RULES, POLICY, degraded=False)
    assert coverage.status is CoverageStatus.NONE
    (missing,) = [entry for entry in coverage.unchecked if entry.category_id == "H1"]
    assert (missing.status, missing.required) == (OutcomeStatus.SKIPPED, True)


def test_a_degraded_panel_is_never_complete():
    """Law: when fewer than half voted, coverage is partial at most."""
    coverage = cover_panel([ballot(SAFE)], RULES, POLICY, degraded=True)
    assert coverage.status is CoverageStatus.PARTIAL


def test_rules_that_are_not_in_force_are_not_required():
    """Law: excluded categories and those that a custom prompt replaced leave nothing missing."""
    for rules in (rules_in_force(["H1"]), (custom_rule("No pricing talk."),)):
        coverage = cover_panel([ballot(SAFE)], rules, POLICY, degraded=False)
        assert coverage.status is CoverageStatus.COMPLETE
        assert "H1" not in coverage.checked

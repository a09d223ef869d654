"""The laws by which reviews of parts add up, and by which one becomes an action."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.application.panels import PanelCount, Review, ReviewFinding
from gaveld.application.running_review import action_of, added, kept, scores_of
from gaveld.domain.actions import Action
from gaveld.domain.decisions import FlaggedCategory
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.reviews import Ballot, Decision, Evidence, rules_in_force
from gaveld.domain.signals import Finding, OutcomeStatus
from gaveld.domain.verdicts import Coverage, CoverageStatus, JudgedFinding, UncheckedCategory

SAFE, UNSAFE = Decision.SAFE, Decision.UNSAFE
IDS = ["H2", "H3", "D1", "L1", "CUSTOM"]
FULL = Coverage(CoverageStatus.COMPLETE, ("H2", "H3"), ())
POLICY = Policy("p", {"H3": CategoryRule(0.4, 0.8), "H2": CategoryRule(0.6)}, Action.REVIEW)


def coverage(*missed: str) -> Coverage:
    """Return a coverage of two categories without those missed."""
    unchecked = tuple(
        UncheckedCategory(m, OutcomeStatus.FAILED, ("c",), required=True) for m in missed
    )
    left = tuple(entry for entry in FULL.checked if entry not in missed)
    status = CoverageStatus.PARTIAL if missed else CoverageStatus.COMPLETE
    return Coverage(status, left, unchecked)


def review(
    decision: Decision, *flags: FlaggedCategory, findings: tuple = (), missed: tuple = ()
) -> Review:
    """Return a review by four reviewers."""
    count = max((flag.count for flag in flags), default=0)
    return Review(
        decision, "said", DecisionMethod.AVERAGE, count, flags, (), rules_in_force(),
        PanelCount(4, 4, 0, 0, is_degraded=False), coverage(*missed), findings, None, "p", "0", 0.5,
    )  # fmt: skip


flags = st.lists(
    st.builds(
        FlaggedCategory, st.sampled_from(IDS), st.just("name"), st.floats(0, 5), st.integers(1, 4)
    ),
    max_size=4,
    unique_by=lambda flag: flag.id,
)
reviews = st.builds(
    lambda decision, found, missed: review(decision, *found, missed=tuple(missed)),
    st.sampled_from([SAFE, UNSAFE]),
    flags,
    st.sets(st.sampled_from(["H2", "H3"])),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(reviews, min_size=1, max_size=8))
def test_a_sum_forgets_no_harm_and_claims_no_check(parts):
    """Law: unsafe if any is, flags what any flags at its most, covers what all cover; bounded."""
    total = None
    for part in parts:
        total = kept(added(total, part))
    assert total is not None
    assert (total.decision is UNSAFE) == any(part.decision is UNSAFE for part in parts)
    most: dict[str, tuple[int, float]] = {}
    for flag in (flag for part in parts for flag in part.flagged):
        most[flag.id] = max(most.get(flag.id, (0, 0.0)), (flag.count, flag.confidence))
    assert {flag.id: (flag.count, flag.confidence) for flag in total.flagged} == most
    assert set(total.coverage.checked) == set.intersection(
        *(set(part.coverage.checked) for part in parts)
    )
    assert total.coverage.status is min(part.coverage.status for part in parts)
    assert {entry.category_id for entry in total.coverage.unchecked} == {
        entry.category_id for part in parts for entry in part.coverage.unchecked
    }


@settings(deadline=None)
@given(st.lists(reviews, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_changes_neither_decision_nor_flags(parts, random):
    """Law: whichever part came first, the sum decides and flags the same."""
    sums = []
    for order in (parts, random.sample(parts, len(parts))):
        total = None
        for part in order:
            total = added(total, part)
        assert total is not None
        sums.append((total.decision, total.flagged, set(total.coverage.checked)))
    assert sums[0] == sums[1]


def test_the_graver_part_speaks():
    """Law: reason and ballots are those of the graver part, of equal ones of the later."""
    mild = replace(review(UNSAFE, FlaggedCategory("L1", "n", 5.0, 4)), reason="mild")
    grave = replace(review(UNSAFE, FlaggedCategory("H3", "n", 1.0, 1)), reason="grave")
    safe = replace(review(SAFE), reason="safe")
    assert added(grave, mild).reason == added(mild, grave).reason == "grave"
    assert added(mild, safe).reason == added(safe, mild).reason == "mild"
    assert added(safe, replace(safe, reason="later")).reason == "later"


def test_what_is_kept_is_small():
    """Law: evidence, which is as large as its content, is not remembered."""
    finding = Finding("H3", 0.9, "why", "words", "1")
    ballot = Ballot("r", UNSAFE, "long " * 1_000, "m", evidence=(Evidence(finding),) * 1_000)
    whole = replace(review(UNSAFE), ballots=(ballot,), findings=(_found("H3", 0.9),) * 1_000)
    small = kept(whole)
    assert (small.findings, small.ballots[0].evidence) == ((), ())
    assert len(small.ballots[0].reason) == 500


def _found(category_id: str, score: float) -> ReviewFinding:
    finding = Finding(category_id, score, "why", "words", "1")
    return ReviewFinding(JudgedFinding(finding, POLICY.rule(category_id).action(score)), None)


def _flag(category_id: str, confidence: float, count: int) -> FlaggedCategory:
    return FlaggedCategory(category_id, "name", confidence, count)


@pytest.mark.parametrize(
    ("given_review", "action"),
    [
        (review(SAFE), Action.ALLOW),
        (review(SAFE, findings=(_found("H3", 0.5),)), Action.REVIEW),
        (review(SAFE, findings=(_found("H3", 0.9),)), Action.REVIEW),
        (review(SAFE, _flag("H3", 5.0, 1)), Action.ALLOW),
        (review(SAFE, missed=("H3",)), Action.REVIEW),
        (review(UNSAFE, _flag("H3", 4.0, 3)), Action.BLOCK),
        (review(UNSAFE, _flag("H3", 3.9, 3)), Action.REVIEW),
        (review(UNSAFE, _flag("H2", 5.0, 4)), Action.REVIEW),
        (review(UNSAFE, _flag("H2", 4.0, 4), _flag("H3", 5.0, 1)), Action.REVIEW),
        (review(UNSAFE, _flag("H2", 4.0, 4), _flag("H3", 5.0, 2)), Action.BLOCK),
        (review(UNSAFE, _flag("H2", 4.0, 4), findings=(_found("H3", 0.9),)), Action.BLOCK),
        (review(UNSAFE, _flag("L1", 5.0, 4)), Action.REVIEW),
        (review(UNSAFE, _flag("CUSTOM", 1.0, 4)), Action.BLOCK),
        (review(UNSAFE), Action.BLOCK),
    ],
)
def test_the_policy_acts_on_what_the_panel_decided(given_review, action):
    """Law: safe is never blocked; unsafe is for review, and blocked where the policy says so."""
    assert action_of(given_review, POLICY) is action


def test_an_incomplete_look_is_answered_by_the_policy():
    """Law: ``on_incomplete`` stands above a safe decision, and a block stays a block."""
    strict = replace(POLICY, on_incomplete=Action.BLOCK)
    assert action_of(review(SAFE, missed=("H3",)), strict) is Action.BLOCK
    lax = replace(POLICY, on_incomplete=Action.ALLOW)
    assert action_of(review(SAFE, missed=("H3",)), lax) is Action.ALLOW


def test_signs_come_from_evidence_and_from_votes():
    """Law: a category's sign is its best finding, or what voters give it by their share."""
    seen = review(SAFE, _flag("H2", 5.0, 1), _flag("CUSTOM", 5.0, 1), findings=(_found("H3", 0.3),))
    assert scores_of(seen) == {"H2": 0.25, "H3": 0.3}
    both = review(UNSAFE, _flag("H3", 5.0, 4), findings=(_found("H3", 0.3),))
    assert scores_of(both) == {"H3": 1.0}

"""The laws of judging in stages, in pieces, and with blind spots."""

from dataclasses import replace

from hypothesis import given, settings
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
from gaveld.domain.verdicts import (
    CoverageStatus,
    category_scores,
    combined,
    cover,
    is_settled,
    judge,
    known_scores,
)
from tests.unit.domain import strategies as some

BLIND = ClassifierCard("pixels", "", frozenset({"H1", "V2"}), is_blind_spot=True)
READER = ClassifierCard("lexicon", "1", frozenset({"H1"}))
ABSENT = ClassifierOutcome(BLIND, OutcomeStatus.NOT_INSTALLED)
STRICT = Policy("test@1", {"H1": CategoryRule(0.5, 0.9, required=True)})


def together(*parts: Signals) -> Signals:
    return Signals(
        tuple(finding for part in parts for finding in part.findings),
        tuple(outcome for part in parts for outcome in part.outcomes),
    )


@settings(deadline=None)
@given(some.signals, some.signals, some.policies)
def test_what_is_settled_stays_so(first: Signals, rest: Signals, policy: Policy):
    """Law: once a verdict is settled it blocks, whatever the classifiers still to be asked say."""
    if is_settled(first, policy):
        assert judge(first, policy).action is Action.BLOCK
        assert judge(together(first, rest), policy).action is Action.BLOCK


@settings(deadline=None)
@given(some.signals, some.policies)
def test_a_finding_that_blocks_settles(signals: Signals, policy: Policy):
    """Law: nothing goes on being asked after a finding that blocks."""
    found = max((entry.action for entry in judge(signals, policy).findings), default=Action.ALLOW)
    assert is_settled(signals, policy) or found is not Action.BLOCK


def test_words_alone_settle_nothing():
    """Law: a listed word may still be taken back by who reads the sentence."""
    listed = replace(READER, reads_words_only=True)
    signals = Signals(
        (replace(_found(0.95), classifier="lexicon"),),
        (ClassifierOutcome(listed, OutcomeStatus.RAN),),
    )
    assert judge(signals, STRICT).action is Action.BLOCK
    assert not is_settled(signals, STRICT)


def test_a_required_check_that_was_missed_settles_where_that_blocks():
    """Law: what can't be checked any more can't become complete."""
    missed = Signals((), (ClassifierOutcome(READER, OutcomeStatus.FAILED),))
    assert is_settled(missed, replace(STRICT, on_incomplete=Action.BLOCK))
    assert not is_settled(missed, STRICT)
    assert not is_settled(Signals((), (ABSENT,)), replace(STRICT, on_incomplete=Action.BLOCK))


def test_a_blind_spot_leaves_its_categories_unchecked_and_asks_for_no_more():
    """Law: what nobody can see is never checked, and incomplete only if somebody did not look."""
    ran = ClassifierOutcome(READER, OutcomeStatus.RAN)
    seen = cover([ran, ABSENT], STRICT)
    assert seen.status is CoverageStatus.COMPLETE
    (entry,) = (entry for entry in seen.unchecked if entry.category_id == "H1")
    assert (entry.status, entry.classifiers, entry.required) == (
        OutcomeStatus.NOT_INSTALLED,
        ("pixels",),
        False,
    )
    for status in (OutcomeStatus.FAILED, OutcomeStatus.SKIPPED):
        missed = cover([replace(ran, status=status), ABSENT], STRICT)
        assert missed.status is not CoverageStatus.COMPLETE
    assert cover([ABSENT], STRICT).status is CoverageStatus.NONE


def test_what_was_needless_counts_as_checked():
    """Law: where there was nothing to look at, nothing was missed."""
    skipped = ClassifierOutcome(READER, OutcomeStatus.SKIPPED, is_needless=True)
    assert "H1" in cover([skipped], STRICT).checked
    assert "H1" not in cover([replace(skipped, is_needless=False)], STRICT).checked


@settings(deadline=None)
@given(st.lists(some.signals, min_size=1, max_size=4), some.policies, st.randoms())
def test_pieces_are_as_bad_as_the_worst(parts: list[Signals], policy: Policy, random):
    """Law: together, pieces get the strictest action, every finding, and the least coverage."""
    verdicts = [judge(part, policy) for part in parts]
    whole = combined(verdicts)
    assert whole.action is max(verdict.action for verdict in verdicts)
    assert len(whole.findings) == sum(len(verdict.findings) for verdict in verdicts)
    for category in CATALOGUE:
        everywhere = all(category in verdict.coverage.checked for verdict in verdicts)
        assert (category in whole.coverage.checked) == everywhere
    complete = all(v.coverage.status is CoverageStatus.COMPLETE for v in verdicts)
    assert (whole.coverage.status is CoverageStatus.COMPLETE) == complete
    assert complete == (not any(entry.required for entry in whole.coverage.unchecked))
    random.shuffle(verdicts)
    again = combined(verdicts)
    assert (again.action, again.coverage, again.causes) == (
        whole.action,
        whole.coverage,
        whole.causes,
    )


def _found(score: float) -> Finding:
    return Finding("H1", score, "A word.", "reader", "1")


def test_a_blind_spot_in_one_piece_hides_no_score_of_another():
    """Law: a score is known where all who could look did; who failed or was missing hides it."""
    read = Signals((_found(0.6),), (ClassifierOutcome(READER, OutcomeStatus.RAN),))
    seen = Signals((), (ABSENT,))
    both = together(read, seen)
    assert known_scores(judge(both, STRICT), both.outcomes) == {"H1": 0.6}
    failed = Signals((), (ClassifierOutcome(READER, OutcomeStatus.FAILED),))
    missed = together(both, failed)
    assert known_scores(judge(missed, STRICT), missed.outcomes) == {}


@settings(deadline=None)
@given(some.signals, some.policies)
def test_what_counts_as_checked_has_a_known_score(signals: Signals, policy: Policy):
    """Law: what is known of a category is never less than where blind spots count."""
    verdict = judge(signals, policy)
    assert category_scores(verdict).items() <= known_scores(verdict, signals.outcomes).items()

"""Intervals: seeded, ordered, and wide where there is little to go by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.bootstrap.evaluation.intervals import Flagged, bootstrapped, bootstrapped_f1, share
from gaveld.bootstrap.evaluation.metrics import ranking_measures
from gaveld.bootstrap.evaluation.tally import Tally

MIXED = Tally.of([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1], [True, False, True, True] + [False] * 4)


def test_wilson_by_hand():
    """Five of ten: the interval that every textbook prints."""
    estimate = share(5, 10)
    assert estimate.low == pytest.approx(0.2366, abs=1e-4)
    assert estimate.high == pytest.approx(0.7634, abs=1e-4)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval(counts: tuple[int, int]):
    """Law: 0 ≤ low ≤ value ≤ high ≤ 1, and none flagged does not prove that none would be."""
    estimate = share(*counts)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high > estimate.low


def test_more_texts_make_a_narrower_interval():
    """The same share of ten times as many texts is known better."""
    few, many = share(3, 10), share(300, 1000)
    assert many.high - many.low < few.high - few.low


def test_the_seed_decides():
    """Law: the same seed gives the same intervals, another seed others, and the same values."""
    first, again, other = (bootstrapped(MIXED, 200, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert {key: entry.value for key, entry in first.items()} == ranking_measures(MIXED)


def test_resampling_spans_what_chance_could_do():
    """The value is inside its interval, which is wide for eight texts."""
    estimate = bootstrapped(MIXED, 500, 0)["auroc"]
    assert estimate.low < estimate.value < estimate.high
    assert estimate.high - estimate.low > 0.2


def test_resamples_are_as_many_texts_as_there_are():
    """A hundred times the texts, with the same scores, are known about ten times as well."""
    few = bootstrapped(MIXED, 300, 0)["auroc"]
    texts = Tally(MIXED.scores, MIXED.positives * 100, MIXED.negatives * 100)
    many = bootstrapped(texts, 300, 0)["auroc"]
    assert many.value == pytest.approx(few.value)
    assert many.high - many.low < (few.high - few.low) / 4


def test_a_perfect_ranking_stays_perfect():
    """No resample of a perfect ranking has a fault, however few its harmful texts."""
    estimate = bootstrapped(Tally.of([0.9, 0.1, 0.2], [True, False, False]), 100, 0)["auprc"]
    assert (estimate.low, estimate.value, estimate.high) == (1, 1, 1)


def test_resampling_can_be_switched_off():
    """With no resamples there are values and no intervals."""
    assert {entry.low for entry in bootstrapped(MIXED, 0, 0).values()} == {None}
    assert bootstrapped_f1(Flagged(3, 2, 5, 1), 0, 0).high is None


def test_f1_of_a_rule():
    """Two hits, one false alarm, one miss: 4/6, within an interval that a seed repeats."""
    flagged = Flagged(positives=3, flagged_positives=2, negatives=5, flagged_negatives=1)
    estimate = bootstrapped_f1(flagged, 300, 4)
    assert estimate.value == pytest.approx(4 / 6)
    assert estimate.low < estimate.value < estimate.high
    assert estimate == bootstrapped_f1(flagged, 300, 4)

"""Every measure against cases worked by hand, and against what must hold of any data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.bootstrap.evaluation.metrics import (
    METRICS,
    auprc,
    auroc,
    best_f1,
    calibration_bins,
    expected_calibration_error,
    f1_of,
    ranking_measures,
    recall_at,
)
from gaveld.bootstrap.evaluation.tally import Tally, curve_of

Rows = list[tuple[float, bool]]
# Hundredths, so that ties are common and no map of them can merge two.
ROWS = st.lists(
    st.tuples(st.integers(0, 100).map(lambda n: n / 100), st.booleans()), min_size=2, max_size=40
).filter(lambda rows: len({truth for _, truth in rows}) == 2)


def tally(rows: Rows) -> Tally:
    return Tally.of([score for score, _ in rows], [truth for _, truth in rows])


def test_average_precision_by_hand():
    """Precision at each harmful text, weighted by the recall it adds: 1/2 · 1 + 1/2 · 2/3."""
    assert auprc(curve_of(tally([(0.9, True), (0.8, False), (0.7, True)]))) == pytest.approx(5 / 6)


def test_auroc_by_hand():
    """Of four pairs two are right, one is tied and one is wrong: 2.5 of 4."""
    rows = [(0.9, True), (0.5, True), (0.5, False), (0.7, False)]
    assert auroc(curve_of(tally(rows))) == pytest.approx(2.5 / 4)


def test_recall_within_a_budget_by_hand():
    """One of 20 harmless texts is 5%: it is within 5% and not within 1%."""
    rows = [(0.9, True), (0.8, False), (0.7, True), (0.6, True), *[(0.1, False)] * 19]
    curve = curve_of(tally([*rows, (0.05, True)]))
    assert recall_at(curve, 0.01) == pytest.approx(1 / 4)
    assert recall_at(curve, 0.05) == pytest.approx(3 / 4)


def test_best_f1_by_hand():
    """Two hits, one false alarm and no miss make 4/5, from the second harmful text's score on."""
    found = tally([(0.9, True), (0.8, False), (0.7, True), (0.2, False)])
    assert best_f1(found, curve_of(found)) == (pytest.approx(4 / 5), 0.7)


def test_f1_without_anything_to_find_is_zero():
    """Nothing flagged and nothing to flag is 0, and no division by zero."""
    assert f1_of(0, 0, 0) == 0
    assert f1_of(3, 1, 2) == pytest.approx(6 / 9)


def test_calibration_error_by_hand():
    """Gaps of 0.3 for four texts and of 0.1 for one make (4 · 0.3 + 0.1) / 5."""
    rows = [(0.8, True), (0.8, True), (0.8, False), (0.8, False), (0.1, False)]
    assert expected_calibration_error(tally(rows)) == pytest.approx(1.3 / 5)


def test_the_ends_of_the_scale_have_bins():
    """A score of 1 belongs to the last bin and 0 to the first."""
    counts = calibration_bins(tally([(1.0, True), (0.0, False), (0.0, True)])).counts
    assert (len(counts), counts[0], counts[-1], counts.sum()) == (15, 2, 1, 3)


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_score_that_is_the_frequency_is_calibrated(harmful: int, harmless: int):
    """Scoring every text with the share of harmful ones has no calibration error."""
    share = harmful / (harmful + harmless)
    rows = [(share, True)] * harmful + [(share, False)] * harmless
    assert expected_calibration_error(tally(rows)) == pytest.approx(0, abs=1e-12)


@given(ROWS)
def test_auroc_is_the_share_of_pairs_in_order(rows: Rows):
    """AUROC equals the count over all pairs, ties half: its definition, without a curve."""
    harmful = np.array([score for score, truth in rows if truth])[:, None]
    harmless = np.array([score for score, truth in rows if not truth])[None, :]
    pairs = (harmful > harmless) + 0.5 * (harmful == harmless)
    assert auroc(curve_of(tally(rows))) == pytest.approx(pairs.mean())


@given(ROWS)
def test_ranking_measures_know_order_alone(rows: Rows):
    """A strictly rising map of the scores changes no measure of ranking."""
    before = ranking_measures(tally(rows))
    after = ranking_measures(tally([(score**2 / 2 + score / 4, truth) for score, truth in rows]))
    for key in ("auprc", "auroc", "recall_at_1_percent", "recall_at_5_percent", "best_f1"):
        assert after[key] == pytest.approx(before[key]), key


@given(ROWS)
def test_a_reversed_ranking_has_the_complement(rows: Rows):
    """Turning every score round turns AUROC round one half."""
    reverse = [(1 - score, truth) for score, truth in rows]
    total = auroc(curve_of(tally(rows))) + auroc(curve_of(tally(reverse)))
    assert total == pytest.approx(1)


@given(ROWS, st.randoms())
def test_the_order_of_rows_is_nothing(rows: Rows, random):
    """However the file is sorted, every measure is the same, ties and all."""
    mixed = list(rows)
    random.shuffle(mixed)
    assert ranking_measures(tally(mixed)) == ranking_measures(tally(rows))


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_perfect_ranking_is_perfect(harmful: int, harmless: int):
    """Every harmful text above every harmless one: each measure of ranking is 1."""
    measured = ranking_measures(tally([(0.6, True)] * harmful + [(0.4, False)] * harmless))
    assert {value for key, value in measured.items() if key != "ece"} == {1.0}


@given(st.integers(1, 20), st.integers(1, 20))
def test_no_ranking_at_all_is_chance(harmful: int, harmless: int):
    """One score for all: AUROC is one half, AUPRC the share of harmful texts, no recall."""
    measured = ranking_measures(tally([(0.5, True)] * harmful + [(0.5, False)] * harmless))
    assert measured["auroc"] == pytest.approx(0.5)
    assert measured["auprc"] == pytest.approx(harmful / (harmful + harmless))
    assert measured["recall_at_5_percent"] == 0


@given(ROWS)
def test_best_f1_is_the_best_of_any_threshold(rows: Rows):
    """No threshold that one could name does better, and the stated one does as well."""

    def at(threshold: float) -> float:
        hits = sum(truth for score, truth in rows if score >= threshold)
        alarms = sum(not truth for score, truth in rows if score >= threshold)
        return f1_of(hits, alarms, sum(truth for _, truth in rows) - hits)

    found = tally(rows)
    value, threshold = best_f1(found, curve_of(found))
    assert value == pytest.approx(max(at(score) for score, _ in rows))
    assert value == pytest.approx(at(threshold))


@given(ROWS)
def test_every_measure_is_a_share(rows: Rows):
    """All measures are within 0–1, and all but F1 by a rule are measured."""
    measured = ranking_measures(tally(rows))
    assert measured.keys() == METRICS.keys() - {"f1"}
    assert all(0 <= value <= 1 for value in measured.values())


@pytest.mark.parametrize("truth", [[], [True, True], [False]])
def test_one_class_has_no_ranking(truth: list[bool]):
    """Where there is nothing to rank, that is said and no figure is made up."""
    with pytest.raises(ValueError, match="harmful and harmless"):
        ranking_measures(Tally.of([0.5] * len(truth), truth))


@pytest.mark.parametrize("scores", [[1.1], [-0.1], [float("nan")], [0.1, 0.2]])
def test_a_tally_takes_probabilities_with_a_label_each(scores: list[float]):
    """What is no probability, or has no label, is refused and not counted."""
    with pytest.raises(ValueError, match=r"outside 0–1|2 scores for 1 labels"):
        Tally.of(scores, [True])

"""The laws of calibrating margins and of measuring scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.linear.calibration import expected_calibration_error, measures, platt


def test_platt_recovers_the_probabilities_that_made_the_answers() -> None:
    """Margins whose true probability is known come out as that probability."""
    chance = np.random.default_rng(1)
    margins = chance.normal(0, 3, 40_000)
    positive = chance.random(40_000) < 1 / (1 + np.exp(-(0.7 * margins - 1.5)))
    slope, intercept = platt(margins, positive, np.ones(40_000))
    assert (slope, intercept) == pytest.approx((0.7, -1.5), abs=0.05)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    """Weights are how often a row stands there."""
    margins = np.array([-2.0, -1.0, 0.5, 1.0, 2.0])
    positive = np.array([False, True, False, True, True])
    twice = platt(np.append(margins, 0.5), np.append(positive, [False]), np.ones(6))
    weighted = platt(margins, positive, np.array([1, 1, 2, 1, 1.0]))
    assert weighted == pytest.approx(twice)


def test_platt_survives_answers_that_margins_part_perfectly() -> None:
    """A label without a mistake still gets finite numbers."""
    slope, intercept = platt(
        np.array([-1.0, -1.0, 1.0, 1.0]), np.array([False, False, True, True]), np.ones(4)
    )
    assert np.isfinite([slope, intercept]).all()
    assert slope > 0


def test_a_backward_ranking_is_refused() -> None:
    """A model that scores harm lower than harmless is never shipped."""
    with pytest.raises(ValueError, match="backwards"):
        platt(
            np.array([1.0, 2.0, -1.0, -2.0, 0.1]),
            np.array([False, False, True, True, True]),
            np.ones(5),
        )


def test_a_perfect_ranking_measures_one() -> None:
    """Every measure of ranking is 1 when each positive is above each negative."""
    found = measures(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False]))
    assert found["auroc"] == found["auprc"] == found["recall_at_1_percent"] == 1
    assert found["ece"] == pytest.approx(0.15)


def test_a_constant_score_ranks_nothing() -> None:
    """Ties count half: AUROC is one half, AUPRC the share of positives, recall nothing."""
    found = measures(np.full(10, 0.3), np.array([True] * 3 + [False] * 7))
    assert found["auroc"] == 0.5
    assert found["auprc"] == pytest.approx(0.3)
    assert found["recall_at_5_percent"] == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_the_chance_of_ranking_a_pair_rightly(pairs: list[tuple[int, bool]]) -> None:
    """AUROC equals the share of (positive, negative) pairs in order, ties counting half."""
    scores = np.array([score / 5 for score, _ in pairs])
    positive = np.array([answer for _, answer in pairs])
    found = measures(scores, positive)
    if 0 < positive.sum() < len(pairs):
        ahead = scores[positive][:, None] - scores[~positive][None, :]
        assert found["auroc"] == pytest.approx(
            (ahead > 0).mean() + (ahead == 0).mean() / 2, abs=1e-4
        )
    else:
        assert "auroc" not in found


def test_scores_that_hold_in_the_long_run_have_no_calibration_error() -> None:
    """Three in ten of the texts that score 0.3 are positive."""
    scores = np.full(10, 0.3)
    assert expected_calibration_error(scores, np.arange(10) < 3) == pytest.approx(0)
    assert expected_calibration_error(scores, np.arange(10) < 8) == pytest.approx(0.5)

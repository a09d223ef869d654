"""How topics and moods are read from own lines, calibrated and measured; no network is needed."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training.transformer.topics import card, measuring
from training.transformer.topics.lines import (
    FOLDS,
    MOODS,
    Line,
    mood_answers,
    read_lines,
    read_subjects,
    topic_answers,
)

SUBJECTS = read_subjects()
LINES = read_lines(SUBJECTS)


def test_every_topic_and_mood_is_taught_and_measured():
    """Law: each has lines to learn from and lines held out, and no text stands twice."""
    for is_held_out, least in ((False, 15), (True, 3)):
        lines = [line for line in LINES if line.is_held_out is is_held_out]
        topics = Counter(topic for line in lines for topic in line.topics)
        assert min(topics[name] for name in SUBJECTS.names) >= least
        assert {line.mood for line in lines} == set(MOODS)
        assert any(not line.topics for line in lines)
    assert len({line.text for line in LINES}) == len(LINES)
    assert all(name == name.lower() for name in SUBJECTS.names)


def test_moods_are_mixed_within_each_topic():
    """Law: no topic tells the mood, so that neither is learnt from the other."""
    for name in SUBJECTS.names:
        moods = Counter(line.mood for line in LINES if name in line.topics)
        assert set(moods) == set(MOODS)
        assert max(moods.values()) < 0.6 * sum(moods.values())


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("sport\tneutral\tA match.", "2: unknown: sport"),
        ("sports\tglad\tA match.", "2: unknown: glad"),
        ("sports\tA match.", "2: 2 fields"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: str, named: str):
    """Law: a line that can't be meant is an error with its number."""
    path = tmp_path / "lines.tsv"
    path.write_text(f"topics\tsentiment\ttext\n{row}\n", "utf-8")
    with pytest.raises(ValueError, match=named):
        read_lines(SUBJECTS, path)


@given(st.lists(st.text(max_size=30), unique=True, min_size=1))
def test_a_lines_side_is_its_own(texts: list[str]):
    """Law: whether a line is held out, and its fold, hang on nothing but its wording."""
    for text in texts:
        one, other = Line(text, frozenset(), "neutral"), Line(text, frozenset({"art"}), "positive")
        assert (one.is_held_out, one.fold) == (other.is_held_out, other.fold)
        assert 0 <= one.fold < FOLDS


def test_answers_are_in_the_order_of_the_outputs():
    """Law: a line's row has 1 for its topics alone, and its mood's place."""
    lines = [
        Line("a", frozenset({SUBJECTS.names[2], SUBJECTS.names[0]}), "positive"),
        Line("b", frozenset(), "negative"),
    ]
    topics = topic_answers(lines, SUBJECTS)
    assert topics.shape == (2, len(SUBJECTS.names))
    assert np.flatnonzero(topics[0]).tolist() == [0, 2]
    assert not topics[1].any()
    assert mood_answers(lines).tolist() == [2, 0]


def test_thresholds_part_what_can_be_parted():
    """Law: where scores separate a topic's lines from the others, so does its threshold."""
    named = np.arange(40)[:, None] % 4 == np.arange(3)
    scores = np.where(named, [0.9, 0.6, 0.31], [0.8, 0.5, 0.2])
    thresholds = measuring.choose_thresholds(scores, named)
    assert ((scores >= thresholds) == named).all()


def test_a_lone_line_moves_no_threshold_far():
    """Law: a topic with one line, which scored low, is not named at every low score."""
    chooser = np.random.default_rng(3)
    named = chooser.random((400, 10)) < 0.1
    named[:, 0] = False
    named[0, 0] = True
    scores = np.clip(chooser.normal(np.where(named, 0.8, 0.2), 0.1), 0, 1)
    scores[0, 0] = 0.06
    assert measuring.choose_thresholds(scores, named)[0] > 0.3


FINITE = st.floats(-20, 20)


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, (30, 3), elements=FINITE), st.integers(0, 2**30))
def test_calibration_of_moods_never_fits_worse(logits: np.ndarray, seed: int):
    """Law: the fitted probabilities are no less likely than the raw ones, and sum to 1."""
    moods = np.random.default_rng(seed).integers(0, 3, 30)
    slope, intercepts = measuring.calibrate_moods(logits, moods)
    rows = np.arange(30)
    raw = measuring.mood_probabilities(logits, 1.0, [0.0] * 3)
    fitted = measuring.mood_probabilities(logits, slope, intercepts)
    assert slope > 0
    assert sum(intercepts) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(fitted.sum(1), 1)
    surprises = [-np.log(chances[rows, moods] + 1e-12).mean() for chances in (raw, fitted)]
    assert surprises[1] <= surprises[0] + 1e-6


def measures_of(scores: np.ndarray, named: np.ndarray) -> dict:
    names = [f"topic {number}" for number in range(named.shape[1])]
    return measuring.topic_measures(scores, [0.5] * named.shape[1], named, names)


def test_perfect_scores_measure_as_perfect():
    """Law: a classifier that is always right gets 1 everywhere, no topic included."""
    named = np.eye(5, dtype=bool)[:, :4]
    found = measures_of(named.astype(np.float64), named)
    assert found["macro"] == {"auprc": 1.0, "f1": 1.0}
    assert found["micro"]["f1"] == found["likeliest"] == 1.0
    assert found["without"] == {"lines": 1, "left_unnamed": 1.0, "is_any": 1.0}


def test_naming_everything_is_found_out():
    """Law: a topic for every text costs precision and every text that has none."""
    named = np.eye(8, dtype=bool)[:, :4]
    found = measures_of(np.ones((8, 4)), named)
    assert found["micro"]["recall"] == 1.0
    assert found["micro"]["precision"] == 0.125
    assert found["without"] == {"lines": 4, "left_unnamed": 0.0, "is_any": 0.5}


def test_moods_that_are_confused_are_counted():
    """Law: taking positive for negative is told apart from missing a mood."""
    chances = np.eye(3)[[0, 0, 2, 1, 1]]
    found = measuring.mood_measures(chances, np.array([0, 2, 2, 1, 2]), MOODS)
    assert found["accuracy"] == 0.6
    assert found["opposite"] == 0.2
    assert [entry["lines"] for entry in found["by_mood"].values()] == [1, 1, 3]


def test_the_cards_section_is_whole():
    """Law: every place of the template is filled, and every topic has a row."""
    named = np.eye(5, dtype=bool)[:, :4]
    part = {
        "topics": measures_of(named.astype(np.float64), named),
        "sentiment": measuring.mood_measures(np.eye(3), np.arange(3), MOODS),
    }
    thresholds = dict.fromkeys(part["topics"]["by_topic"], 0.5)
    rows = {"own": 4, "public": 3, "held_out": 5}
    text = card.render(
        {"rows": rows, "thresholds": thresholds}
        | dict.fromkeys(("served", "head", "teacher", "descriptions"), part)
    )
    assert "{{" not in text
    assert all(f"| {name} | 0.50 |" in text for name in thresholds)

"""How the embedded panel's points are fitted, and how the panel is measured."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training.panel.fitting import HARMLESS_RATES, LOWEST, Truth, chances, features, fit, weights
from training.panel.measuring import agreement, by_votes, errors, majority, measure
from training.panel.seeing import Seen

from gaveld.adapters.reviewers.embedded.members import MEMBERS, Point
from gaveld.adapters.reviewers.embedded.points import OperatingPoints, Scale, Sight

ROWS = 400
CATEGORIES = ("H1", "H2")
PROBABILITY = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Texts whose first half is harmful, and heads that mostly see so."""
    chooser = np.random.default_rng(0)
    told = np.where(np.arange(ROWS) < ROWS // 2, 0.75, 0.25)[:, None, None, None]
    noise = chooser.normal(0, 0.15, (ROWS, 3, len(MEMBERS), len(CATEGORIES)))
    heads = np.clip(told + noise, 0.01, 0.99)
    companion = np.clip(told[:, 0, 0] + chooser.normal(0, 0.3, (ROWS, 2)), 0.01, 0.99)
    return Seen(CATEGORIES, heads, companion, np.zeros((ROWS, len(CATEGORIES))))


@pytest.fixture(scope="module")
def known() -> Truth:
    """The truth of those texts, from two registers."""
    harmful = np.arange(ROWS) < ROWS // 2
    harmless = np.flatnonzero(~harmful)
    registers = {"forum": harmless[::2], "prompts": harmless[1::2]}
    answers = np.repeat(harmful[:, None].astype(float), len(CATEGORIES), axis=1)
    sources = np.where(np.arange(ROWS) % 2, "prompts", "forum")
    return Truth(answers, np.ones(answers.shape, bool), harmful, ~harmful, registers, sources)


def test_points_keep_to_their_rates(seen: Seen, known: Truth):
    """Law: on the rows fitted on, a member objects to no more harmless texts than its rate."""
    document = fit(seen, known)
    for member in MEMBERS:
        heads, companion, words = seen.of(member)
        for column, category_id in enumerate(CATEGORIES):
            scale = document["members"][member.name][category_id]
            numbers = [scale[name] for name in ("head", "companion", "lexicon", "intercept")]
            found = chances(
                features(heads[:, column], companion[:, column], words[:, column]), numbers
            )
            thresholds = [scale[point.value] for point in Point]
            assert thresholds == sorted(thresholds)
            for point, rate in HARMLESS_RATES.items():
                assert scale[point.value] >= LOWEST[point]
                shares = [
                    (found[rows] > scale[point.value]).mean() for rows in known.registers.values()
                ]
                assert np.mean(shares) <= rate + 1e-3


def test_what_is_written_is_what_the_server_reads(seen: Seen, known: Truth, tmp_path: Path):
    """Law: the server makes the same probabilities of the file as the fitting did."""
    document = fit(seen, known)
    path = tmp_path / "panel.json"
    path.write_text(json.dumps(document), "utf-8")
    points = OperatingPoints.read(path)
    for member in MEMBERS:
        heads, companion, words = seen.of(member)
        scale = document["members"][member.name]["H2"]
        numbers = [scale[name] for name in ("head", "companion", "lexicon", "intercept")]
        found = chances(features(heads[:5, 1], companion[:5, 1], words[:5, 1]), numbers)
        for row in range(5):
            beside = companion[row, 1]
            sight = Sight(heads[row, 1], None if np.isnan(beside) else beside, words[row, 1])
            assert points.of(member)["H2"].chance(sight) == pytest.approx(found[row], abs=1e-9)


def test_a_feature_that_misleads_has_no_weight():
    """Law: no weight is negative, whatever the data say."""
    chooser = np.random.default_rng(1)
    answers = chooser.integers(0, 2, 500).astype(float)
    good = np.clip(0.5 + 0.3 * (2 * answers - 1) + chooser.normal(0, 0.1, 500), 0.01, 0.99)
    head, companion, lexicon, _ = weights(features(good, 1 - good, 1 - answers), answers)
    assert head > 0
    assert companion == lexicon == 0


def test_few_positives_leave_the_head_as_it_is():
    """Law: where there is next to nothing to fit, the head's own calibration stands."""
    facts = features(np.linspace(0.1, 0.9, 50), np.full(50, np.nan), np.zeros(50))
    assert weights(facts, (np.arange(50) > 40).astype(float)) == (1.0, 0.0, 0.0, 0.0)


@settings(deadline=None)
@given(PROBABILITY, st.none() | PROBABILITY, PROBABILITY, PROBABILITY)
def test_more_evidence_never_means_less(
    head: float, companion: float | None, words: float, more: float
):
    """Law: a member's probability rises with what any of its witnesses says."""
    scale = Scale(0.7, 0.4, 1.2, -0.3, dict.fromkeys(Point, 0.5))
    least = scale.chance(Sight(head, companion, words))
    assert scale.chance(Sight(max(head, more), companion, words)) >= least
    assert scale.chance(Sight(head, companion, max(words, more))) >= least
    if companion is not None:
        assert scale.chance(Sight(head, max(companion, more), words)) >= least


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"head": -0.1}, "a weight is negative"),
        ({"strict": 0.9}, "rising with leniency"),
        ({"lenient": 1.0}, "between 0 and 1"),
        ({"head": None}, "float"),
    ],
)
def test_points_that_make_no_sense_are_refused(tmp_path: Path, change: dict, words: str):
    """Law: a file of points that could judge backwards is an error that says so."""
    scale = {"head": 1.0, "companion": 0.0, "lexicon": 0.0, "intercept": 0.0}
    scale |= {"strict": 0.3, "balanced": 0.5, "lenient": 0.8} | change
    path = tmp_path / "panel.json"
    path.write_text(json.dumps({"members": {m.name: {"H2": scale} for m in MEMBERS}}), "utf-8")
    with pytest.raises(ValueError, match=words):
        OperatingPoints.read(path)


@pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"members": {}}'])
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: str):
    """Law: whatever the file holds, what is wrong is a ValueError that names it."""
    path = tmp_path / "panel.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"panel\.json"):
        OperatingPoints.read(path)


def test_the_measures_count_what_they_say(known: Truth):
    """Law: misses and alarms are shares of harmful and of harmless; half the votes decide."""
    votes = np.zeros((4, ROWS), bool)
    votes[:2, : ROWS // 4] = True  # half of the votes on half of the harmful texts
    votes[0, ROWS // 2 : ROWS // 2 + 20] = True  # one vote on 20 harmless ones
    unsafe = majority(votes)
    assert errors(unsafe, known) == {
        "miss": 0.5,
        "false_alarms": 0.0,
        "error": 0.25,
        "register_alarms": 0.0,
    }
    assert [row["agreeing"] for row in agreement(votes, known)] == [2, 3, 4]
    assert [row["wrong"] for row in agreement(votes, known)] == [0.0, 0.0, 0.3571]
    assert [(row["unsafe"], row["texts"]) for row in by_votes(votes, known)] == [
        (0, 280),
        (1, 20),
        (2, 100),
    ]


def test_a_panel_that_sees_well_is_measured_so(seen: Seen, known: Truth):
    """Law: the measures of a document are those of the votes that it makes."""
    result = measure(seen, known, fit(seen, known))
    assert result["panel"] == result["amounts"]["10"]
    assert result["panel"]["false_alarms"] < 0.1
    assert result["panel"]["miss"] < 0.2
    for found in result["members"].values():
        assert 0 <= found["miss_at_the_panels_false_alarms"] <= 1
    right = [band["right"] for band in result["confidence"]]
    assert right[-1] > right[0]

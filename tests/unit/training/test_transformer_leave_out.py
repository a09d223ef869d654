"""What is measured of sources that a model was trained without, and how it is told."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training.transformer.card import render_left_out
from training.transformer.folds import Fold, Joined, Plan, read_plan
from training.transformer.leave_out_report import (
    CSV_FILE,
    JSON_FILE,
    Judged,
    measure_fold,
    summarise,
    write,
)

LABELS = ("toxicity", "severe_toxicity", "spam")
FOLD = Fold("one", ("forum", "tweets"))


def plan(fewest: int = 3) -> Plan:
    return replace(read_plan(), fewest=fewest, resamples=20, folds=(FOLD,))


def judged(source: str, positives: int, negatives: int, seed: int = 1) -> Judged:
    """Rows in which toxicity and severe toxicity are alike, and nobody knows of spam."""
    rows = positives + negatives
    answers = np.zeros((rows, 3))
    answers[:positives, :2] = 1
    known = np.ones((rows, 3), bool)
    known[:, 2] = False
    scores = np.random.default_rng(seed).random((rows, 3))
    return Judged(source, answers, known, np.zeros(rows, bool), scores)


def test_only_what_somebody_set_and_enough_of_it_is_ranked() -> None:
    """Law: no figure for derived or unknown labels, nor with too few texts on either side."""
    parts = [judged("forum", 3, 9), judged("tweets", 2, 9), judged("chats", 9, 2)]
    found = measure_fold(FOLD, parts, LABELS, plan(), 1)
    assert [(one["fold"], one["source"], one["label"]) for one in found] == [
        ("one", "forum", "toxicity")
    ]
    assert (found[0]["rows"], found[0]["positives"]) == (12, 3)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_figures_lie_in_their_intervals_and_unknown_rows_have_no_say(seed: int) -> None:
    """Law: low ≤ value ≤ high for a perfect ranking, whatever rows of unknown answer score."""
    one = judged("forum", 5, 9, seed)
    one.known[[0, 13], 0] = False
    one.scores[:, 0] = one.answers[:, 0]
    one.scores[[0, 13], 0] = 0.5
    (found,) = measure_fold(FOLD, [one], LABELS, plan(), seed)
    assert (found["rows"], found["positives"]) == (12, 4)
    for name in ("auroc", "auprc"):
        assert found[f"{name}_low"] == found[name] == found[f"{name}_high"] == 1.0


@pytest.mark.parametrize("positives", [2, 3])
def test_a_model_beside_is_measured_on_valid_rows_alone(positives: int) -> None:
    """Law: both models are ranked on valid rows, where these are enough, and on no others."""
    one = judged("forum", 5, 9)
    valid = np.zeros(14, bool)
    valid[5 - positives : 9] = True
    with_it = np.where(valid[:, None], one.answers, np.nan)
    found = measure_fold(FOLD, [replace(one, valid=valid, with_it=with_it)], LABELS, plan(), 1)
    beside = found[0]["valid"]
    if positives < 3:
        assert beside is None
    else:
        assert (beside["rows"], beside["positives"]) == (7, 3)
        assert beside["with_it"] == {"auroc": 1.0, "auprc": 1.0}
        assert beside["without_it"]["auroc"] < 1


def test_sets_of_one_side_are_ranked_together_for_their_labels_only() -> None:
    """Law: joined sources give one more entry, under their name, for the labels named."""
    parts = [judged("forum", 6, 0), judged("tweets", 0, 6)]
    fold = replace(FOLD, joined=Joined("forum with tweets", ("toxicity",), FOLD.without))
    (found,) = measure_fold(fold, parts, LABELS, plan(), 1)
    assert (found["source"], found["rows"], found["positives"]) == ("forum with tweets", 12, 6)
    other = replace(FOLD, joined=Joined("forum with tweets", ("spam",), FOLD.without))
    assert measure_fold(other, parts, LABELS, plan(), 1) == []


def entry(source: str, auroc: float, valid: dict[str, Any] | None = None) -> dict[str, Any]:
    spread = {f"au{name}_{end}": 0.5 for name in ("roc", "prc") for end in ("low", "high")}
    return {
        "fold": "one",
        "source": source,
        "label": "toxicity",
        "rows": 100,
        "positives": 20,
        "auroc": auroc,
        "auprc": auroc - 0.1,
        **spread,
        "valid": valid,
    }


BESIDE = {
    "rows": 50,
    "positives": 25,
    "without_it": {"auroc": 0.6, "auprc": 0.5},
    "with_it": {"auroc": 0.9, "auprc": 0.8},
}


def test_each_source_counts_once_and_models_are_compared_on_the_same_sources() -> None:
    """Law: means are over sources, the worst is named, and a comparison has both sides or none."""
    summary = summarise([entry("forum", 0.8, BESIDE), entry("tweets", 0.7)], LABELS)
    assert list(summary) == ["toxicity"]
    found = summary["toxicity"]
    assert (found["sources"], found["positives"], found["share_positive"]) == (2, 40, 0.2)
    assert (found["auroc"], found["auprc"]) == (0.75, 0.65)
    assert (found["lowest_auroc"], found["lowest_source"]) == (0.7, "tweets")
    assert found["valid"] == {
        "sources": 1,
        "without_it_auroc": 0.6,
        "without_it_auprc": 0.5,
        "with_it_auroc": 0.9,
        "with_it_auprc": 0.8,
    }


def test_files_and_card_hold_every_entry(tmp_path: Path) -> None:
    """Law: JSON, CSV and the card tell the same figures, and say what nobody has measured yet."""
    entries = [entry("forum", 0.8, BESIDE), entry("tweets", 0.7)]
    folds = {"one": {"without": ["forum", "tweets"], "rows": 44_000}}
    write(tmp_path, folds, entries, LABELS, plan())
    document = json.loads((tmp_path / JSON_FILE).read_text(encoding="utf-8"))
    assert document["sources"] == entries
    with (tmp_path / CSV_FILE).open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["source"], first["auroc"], first["with_it_auroc"]) == ("forum", "0.8", "0.9")
    assert (second["source"], second["auroc"], second["with_it_auroc"]) == ("tweets", "0.7", "")
    result = {"labels": {"toxicity": {"public": {"auroc": 0.95, "auprc": 0.91}}}}
    card = render_left_out(result, document)
    assert "| toxicity | 2 | 40 | 0.750 | 0.650 (20%) | 0.700 (tweets) | 0.950 | 0.910 |" in card
    assert "| forum | toxicity | 100 | 20 |" in card
    assert "0.600 → 0.900 | 0.500 → 0.800 |" in card
    assert "at most 44,000 rows" in card
    assert "{{" not in card
    assert "travels: 1 runs" in card
    unfinished = render_left_out(result, {**document, "folds_planned": 6})
    assert "travels: 1 of 6 planned runs" in unfinished

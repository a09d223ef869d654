"""Judgements against labels: who is counted, by which rule, and what is said of empty slices."""

import pytest

from gaveld.bootstrap.evaluation.assessment import assess
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.judging import Judgement, Refusal
from gaveld.bootstrap.evaluation.labels import parse_label
from gaveld.bootstrap.evaluation.metrics import METRICS
from tests.unit.bootstrap.evaluation.made import judgement, report


def assessed(rows: list[tuple[bool | None, Judgement | Refusal]], option: str = "hate"):
    """The figures of one label on everything."""
    examples = [Example(line, "words", (truth,)) for line, (truth, _) in enumerate(rows)]
    results = [result for _, result in rows]
    label = parse_label(option)
    (figures,) = assess(examples, results, [label], resamples=20, seed=0, advance=lambda: None)
    return figures


def test_every_text_is_counted_once():
    """Law: measured, unknown, unchecked and refused texts add up to all."""
    figures = assessed(
        [
            (True, judgement({"H1": 0.9})),
            (False, judgement({"H1": 0.1})),
            (None, judgement({"H1": 0.9})),
            (True, judgement({"S1": 0.9})),
            (True, Refusal("too long")),
        ]
    )
    (entry,) = figures.labels
    assert (entry.texts, entry.unknown, entry.unchecked, figures.refused) == (2, 1, 1, 1)
    assert figures.texts == 5
    assert list(entry.estimates) == list(METRICS)


def test_f1_is_by_what_the_policy_did():
    """A high score on which the policy did not act is a miss, whatever threshold we might like."""
    figures = assessed(
        [
            (True, judgement({"H1": 0.9}, block={"H1": 0.8})),
            (True, judgement({"H1": 0.7})),
            (False, judgement({"H1": 0.2}, review={"S1": 0.1})),
        ]
    )
    (entry,) = figures.labels
    assert entry.estimates["f1"].value == pytest.approx(2 / 3)
    assert entry.estimates["best_f1"].value == 1
    assert entry.best_f1_threshold == 0.7
    assert entry.thresholds == {"block": 0.8}
    assert entry.f1_rule == "the policy reviews or blocks for H1"


def test_f1_of_an_attribute_is_at_one_half():
    """Policies have no thresholds on attributes, so a stated one stands in."""
    rows = [
        (True, judgement(attributes={"toxicity": 0.5})),
        (True, judgement(attributes={"toxicity": 0.4})),
        (False, judgement(attributes={"toxicity": 0.1}, review={"L1": 0.1})),
    ]
    (entry,) = assessed(rows, "toxicity").labels
    assert entry.estimates["f1"].value == pytest.approx(2 / 3)
    assert entry.f1_rule.startswith("score of 0.5")


def test_over_flagging_is_of_harmless_texts():
    """Harmful and unlabelled texts take no part, and a missing check is told from a finding."""
    figures = assessed(
        [
            (False, judgement({"H1": 0.0})),
            (False, judgement({"H1": 0.9}, block={"H1": 0.8})),
            (False, judgement({}, incomplete=True)),
            (False, judgement({"H1": 0.0}, review={"L1": 0.8})),
            (True, judgement({"H1": 0.9}, block={"H1": 0.8})),
            (None, judgement({"H1": 0.9}, block={"H1": 0.8})),
        ]
    )
    assert figures.harmless == 4
    assert figures.over_flagged.value == pytest.approx(3 / 4)
    assert figures.over_blocked.value == pytest.approx(1 / 4)
    assert figures.incomplete == 1


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([(None, judgement({"H1": 0.1}))], "no labelled texts"),
        ([(True, judgement())], "labelled texts, but nothing checked them"),
        ([(True, judgement({"H1": 0.9}))], "no harmless texts, so nothing to rank"),
        ([(False, judgement({"H1": 0.9}))], "no harmful texts, so nothing to rank"),
        ([(True, Refusal("empty"))], "no labelled texts"),
    ],
)
def test_a_slice_that_says_nothing_says_so(rows, note: str):
    """Law: where nothing can be measured there is a reason and no figure."""
    (entry,) = assessed(rows).labels
    assert (entry.note, entry.estimates, entry.best_f1_threshold) == (note, {}, None)


@pytest.mark.parametrize(
    ("harmful", "harmless", "note"),
    [
        (9, 30, "harmful texts: 9, too few for intervals"),
        (30, 9, "harmless texts: 9, too few for intervals"),
        (10, 10, ""),
    ],
)
def test_a_handful_of_texts_has_no_intervals(harmful: int, harmless: int, note: str):
    """Law: figures of a few texts are shown, without a precision that they don't have."""
    rows = [(True, judgement({"H1": 0.9}))] * harmful + [(False, judgement({"H1": 0.1}))] * harmless
    (entry,) = assessed(rows).labels
    assert entry.note == note
    assert {estimate.low is None for estimate in entry.estimates.values()} == {bool(note)}


def test_slices_part_the_data():
    """Everything comes first, then each slice by name, and their texts add up."""
    everything, *slices = report().slices
    assert [everything.name, *(entry.name for entry in slices)] == [
        "all",
        "place=chat",
        "place=forum",
    ]
    assert sum(entry.texts for entry in slices) == everything.texts == 31
    assert [entry.harmless for entry in slices] == [10, 10]

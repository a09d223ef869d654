"""What a label column means, and what its cells say."""

from pathlib import Path

import pytest

from gaveld.bootstrap.evaluation.datasets import Row, Table
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.labels import label_value, parse_label
from gaveld.domain.categories import CATALOGUE


@pytest.mark.parametrize(
    ("option", "column", "scored_as"),
    [
        ("rude=H2", "rude", "H2"),
        ("cruel=H1+H3", "cruel", "H1+H3"),
        ("tone=attribute:insult", "tone", "attribute:insult"),
        ("bad=any", "bad", "any"),
        ("a=b=H2", "a=b", "H2"),
        ("toxicity", "toxicity", "attribute:toxicity"),
        ("identity_hate", "identity_hate", "H1"),
        ("Self-Harm", "Self-Harm", "D1"),
        ("Hate Speech", "Hate Speech", "H1"),
        ("h3", "h3", "H3"),
        ("harmful", "harmful", "any"),
    ],
)
def test_a_label_option(option: str, column: str, scored_as: str):
    """A meaning that is given wins; else the column's name tells."""
    label = parse_label(option)
    assert (label.column, label.scored_as) == (column, scored_as)


@pytest.mark.parametrize("category", CATALOGUE.values())
def test_each_category_is_known_by_id_and_name(category):
    """Columns that are called as Gavel calls its categories need no meaning."""
    assert parse_label(category.id).names == parse_label(category.name).names == (category.id,)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("score_7", "does not tell what it means"),
        ("rude=Z9", "no category 'Z9'"),
        ("rude=H1+", "no category ''"),
        ("rude=attribute:charm", "attribute:toxicity"),
        ("rude=category:H1", "attribute:toxicity"),
    ],
)
def test_a_meaning_that_is_none(option: str, said: str):
    """The message says what would be possible."""
    with pytest.raises(ValueError, match=said):
        parse_label(option)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *((cell, True) for cell in ("1", "1.0", "TRUE", " yes ", 1, True, 0.5, "0.8")),
        *((cell, False) for cell in ("0", "0.0", "false", "No", 0, False, 0.49, "0.2")),
        *((cell, None) for cell in ("", "  ", "NA", "nan", "null", "-1", -1, None, float("nan"))),
    ],
)
def test_cells(cell: object, value: bool | None):
    """Law: what is missing is unknown, and never harmless; fractions are harmful from one half."""
    row = Row(2, {"hate": cell})
    assert label_value(Table(Path("a.csv"), ("hate",), (row,)), row, "hate") is value


@pytest.mark.parametrize(
    ("truth", "is_harmless"),
    [
        ((False, None), True),
        ((False, True), False),
        ((None, None), False),
        ((), False),
    ],
)
def test_harmless_is_said_and_not_assumed(truth, is_harmless: bool):
    """A text is harmless when a label says so and none says otherwise."""
    assert Example(1, "words", truth).is_harmless is is_harmless

"""What a finding may say, and which languages a classifier reads."""

import pytest

from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.signals import ClassifierCard, Finding


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_score_is_a_probability(score: float):
    """Law: a classifier that leaves 0–1 is broken and is told so."""
    with pytest.raises(ValueError, match="outside"):
        Finding("H1", score, "", "c", "1")


def test_a_category_is_known():
    """Law: no finding is of a category outside the catalogue."""
    with pytest.raises(ValueError, match="Q1"):
        Finding("Q1", 0.5, "", "c", "1")


def test_severity_defaults_to_the_category():
    """Law: a classifier that does not know how bad a hit is says what the catalogue says."""
    assert Finding("H3", 0.5, "", "c", "1").severity is CATALOGUE["H3"].severity
    assert Finding("H3", 0.5, "", "c", "1", severity=Severity.LOW).severity is Severity.LOW


@pytest.mark.parametrize(
    ("languages", "code", "reads"),
    [
        ((), "de", True),
        (("en",), "en", True),
        (("en",), "en-GB", True),
        (("en",), "de", False),
        (("en",), "und", True),
        (("en",), "und-Cyrl", False),
        ((), "und-Cyrl", True),
        (("en",), "mul", False),
    ],
)
def test_a_classifier_reads_its_languages_and_tries_unknown_ones(languages, code, reads):
    """Law: only a language that is known to be foreign keeps a classifier from looking."""
    card = ClassifierCard("c", "1", frozenset(), languages=frozenset(languages))
    assert card.reads(DetectedLanguage(code, 0.9)) is reads

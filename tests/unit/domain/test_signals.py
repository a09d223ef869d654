"""What a finding and a mood may say, and which languages a classifier reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.signals import ClassifierCard, Finding, Sentiment, SentimentLabel, Topic


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


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_topics_score_is_a_probability(score: float):
    """Law: topics are held to what findings are."""
    with pytest.raises(ValueError, match="outside"):
        Topic("politics", score)


@pytest.mark.parametrize("score", [-1.01, 1.01, float("nan")])
def test_a_sentiment_has_bounds(score: float):
    """Law: a mood outside -1 to 1 is a broken classifier's."""
    with pytest.raises(ValueError, match="outside"):
        Sentiment(SentimentLabel.NEUTRAL, score)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(any))
def test_the_likeliest_mood_is_the_label_and_agrees_with_the_score(weights: list[float]):
    """Law: the label is the mood that is likelier than both others, else neutral.

    A positive text never has a negative score, nor the other way round, and mirrored
    probabilities give the mirrored mood.
    """
    negative, neutral, positive = (weight / sum(weights) for weight in weights)
    mood = Sentiment.likeliest(negative, neutral, positive)
    mirrored = Sentiment.likeliest(positive, neutral, negative)
    assert mood.score == pytest.approx(positive - negative)
    assert mirrored.score == -mood.score
    if mood.label is SentimentLabel.NEUTRAL:
        assert mirrored.label is SentimentLabel.NEUTRAL
        assert neutral >= max(negative, positive) or negative == positive
    else:
        assert mood.score != 0
        assert (mood.label is SentimentLabel.POSITIVE) == (mood.score > 0)
        assert neutral < max(negative, positive)

"""Laws of weighing words against sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)
from gaveld.domain.weighing import half_way, weigh

WORDS = ClassifierCard("words", "1", frozenset({"H1", "L1"}), reads_words_only=True)
READER = ClassifierCard("reader", "1", frozenset({"H1", "L1"}), reads_sentences=True)
scores = st.floats(0, 1)


def found(card: ClassifierCard, score: float, category: str = "H1") -> Finding:
    """A finding of a classifier's."""
    return Finding(category, score, "Made for a test.", card.name, card.version)


def ran(card: ClassifierCard, *, is_check: bool = True) -> ClassifierOutcome:
    """A classifier that ran, to the end or not."""
    return ClassifierOutcome(card, OutcomeStatus.RAN, is_check=is_check)


def weighed(*findings: Finding, outcomes: tuple[ClassifierOutcome, ...]) -> list[float]:
    """The scores after weighing."""
    return [entry.score for entry in weigh(Signals(findings, outcomes))]


def test_a_word_that_the_sentence_takes_back_counts_little():
    """A reader that found nothing pulls a slur half way down; one that agrees leaves it up."""
    both = (ran(WORDS), ran(READER))
    assert weighed(found(WORDS, 0.9), outcomes=both)[0] < 0.25
    assert weighed(found(WORDS, 0.9), found(READER, 0.95), outcomes=both)[0] > 0.9


@pytest.mark.parametrize(
    "outcomes",
    [
        (ran(WORDS),),
        (ran(WORDS), ran(READER, is_check=False)),
        (ran(WORDS), ClassifierOutcome(READER, OutcomeStatus.TIMED_OUT)),
    ],
)
def test_a_word_stands_where_nobody_read_the_sentence(outcomes: tuple[ClassifierOutcome, ...]):
    """A reader that is missing, late or did not read to the end takes nothing back."""
    assert weighed(found(WORDS, 0.9), outcomes=outcomes) == [0.9]


def test_other_categories_and_other_classifiers_are_left_alone():
    """Only words are weighed, and profanity is a matter of words."""
    other = ClassifierCard("links", "1", frozenset({"H1"}))
    outcomes = (ran(WORDS), ran(READER), ran(other))
    findings = (found(WORDS, 0.9, "L1"), found(other, 0.8), found(READER, 0.3))
    assert weighed(*findings, outcomes=outcomes) == [0.9, 0.8, 0.3]


@given(scores, scores, scores)
def test_raising_a_score_lowers_no_other(word: float, read: float, higher: float):
    """More evidence from either side never softens what the other said."""
    both = (ran(WORDS), ran(READER))
    low, high = sorted((read, higher))
    before = weighed(found(WORDS, word), found(READER, low), outcomes=both)
    after = weighed(found(WORDS, word), found(READER, high), outcomes=both)
    assert after[0] >= before[0]
    assert half_way(low, word) <= half_way(high, word)


@given(scores)
def test_two_that_agree_are_not_changed(score: float):
    """Half way between equals is where they are, within what scores are kept to."""
    assert half_way(score, score) == pytest.approx(min(max(score, 0.01), 0.99))

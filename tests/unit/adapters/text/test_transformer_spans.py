"""From marked tokens to the words that a finding points at."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.transformer_model.passages import Passage
from gaveld.adapters.text.transformer_model.spans import joined, telling_words

# "you id|iot , vermin": two pieces of one word, a comma, another word.
PASSAGE = Passage(np.arange(7), ((0, 3), (4, 6), (6, 9), (9, 10), (11, 17)), words=(0, 1, 1, 2, 3))
TEXT = "you idiot, vermin"


def logits(**by_token: float) -> np.ndarray:
    """Quiet but for tokens named ``t1`` and so on (of kind 1), or ``u1`` (of kind 0)."""
    quiet = np.full((7, 2), -5.0, np.float32)
    for name, value in by_token.items():
        quiet[int(name[1:]) + 1, int(name[0] == "t")] = value
    return quiet


def test_a_piece_marks_its_word():
    """Law: one marked piece is enough for the whole word."""
    assert telling_words(PASSAGE, logits(t2=1), [1], 0.5) == [(4, 9)]
    assert telling_words(PASSAGE, logits(t1=2, t4=3), [1], 0.5) == [(4, 9), (11, 17)]


def test_the_first_kind_that_marks_anything_speaks():
    """Law: the general kind is asked only where the label's own is silent."""
    marks = logits(t1=1, u4=3)
    assert telling_words(PASSAGE, marks, [1, 0], 0.5) == [(4, 9)]
    assert telling_words(PASSAGE, marks, [0, 1], 0.5) == [(11, 17)]
    assert telling_words(PASSAGE, logits(u4=3), [1, 0], 0.5) == [(11, 17)]
    assert telling_words(PASSAGE, marks, [1, 0], 0.99) == []


def test_a_word_far_weaker_than_the_strongest_is_left_out():
    """Law: beside a word that is sure, one that hardly reaches the threshold is noise."""
    assert telling_words(PASSAGE, logits(t1=0.1, t4=6), [1], 0.5) == [(11, 17)]


def test_punctuation_alone_is_no_span():
    """Law: nobody is pointed at a comma."""
    assert joined(TEXT, [(9, 10), (11, 17)]) == [(11, 17)]


def test_function_words_alone_are_no_span():
    """Law: "the" by itself tells nobody anything; within a phrase it stays."""
    text = "the end of the road"
    assert joined(text, [(0, 3), (11, 19)]) == [(11, 19)]
    assert joined(text, [(8, 10), (11, 14)]) == []


def test_the_marks_at_both_ends_are_no_words():
    """Law: what the network says of the passage's marks points nowhere."""
    loud = np.full((7, 1), -5.0, np.float32)
    loud[0], loud[-1] = 9.0, 9.0
    assert telling_words(PASSAGE, loud, [0], 0.5) == []


def test_words_with_blanks_between_are_one():
    """Law: a phrase is one span, and a letter between two words parts them."""
    assert joined(TEXT, [(11, 17), (4, 9)]) == [(4, 17)]
    assert joined("fat ugly idiot", [(0, 3), (9, 14)]) == [(0, 3), (9, 14)]
    assert joined("x     y", [(0, 1), (6, 7)]) == [(0, 1), (6, 7)]


@given(ranges=st.lists(st.tuples(st.integers(0, 17), st.integers(0, 17)), max_size=12))
def test_joined_ranges_are_in_order_apart_and_lose_nothing(ranges: list[tuple[int, int]]):
    """Law: whatever overlaps, the result parts the text and covers what it was given."""
    text = "xxx yyyyy, zzzzzz"
    whole = joined(text, ranges)
    assert all(start < end for start, end in whole)
    assert all(before[1] < after[0] for before, after in pairwise(whole))
    ranges = [(start, end) for start, end in ranges if text[start:end].strip(", ")]
    covered = {place for start, end in whole for place in range(start, end)}
    assert covered >= {place for start, end in ranges for place in range(start, end)}
    assert joined(text, whole) == whole

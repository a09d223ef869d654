"""The laws of the stretches that the linear model reads."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.toxicity_model.windows import (
    SENTENCE_CHARACTERS,
    WINDOW_CHARACTERS,
    sentences,
    windows,
)

prose = st.text("ab .!?\n\"')…é", max_size=3000)


@given(prose)
def test_windows_cover_a_text_and_overlap(text: str) -> None:
    """No character is left out, none is read in a window too long, and neighbours overlap."""
    cuts = list(windows(text))
    assert cuts[0][0] == 0
    assert cuts[-1][1] == len(text)
    assert all(end - start <= WINDOW_CHARACTERS for start, end in cuts)
    for (_, end), (start, _) in pairwise(cuts):
        assert start < end - WINDOW_CHARACTERS // 5


@given(st.integers(0, 50_000))
def test_the_number_of_windows_is_linear_in_the_length(length: int) -> None:
    """Each window moves on by most of its length, whatever the text holds."""
    assert len(list(windows("x" * length))) <= 1 + length // 300
    assert len(list(windows(" " * length))) <= 1 + length // 300


@given(prose, st.data())
def test_sentences_lie_in_order_within_their_window(text: str, data: st.DataObject) -> None:
    """Sentences do not overlap, begin and end on something visible, and miss nothing visible."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parts = list(sentences(text, start, end))
    position = start
    for first, last in parts:
        assert position <= first < last <= end
        assert not text[position:first].strip()
        assert not text[first].isspace()
        assert not text[last - 1].isspace()
        position = last
    assert not text[position:end].strip()


def test_sentences_end_where_a_reader_says() -> None:
    """Points within numbers end nothing; lines and closing quotes do; a word joins the next."""
    text = 'It cost 3.50 today. "Is that so, then?" she said to me again\nYes! I paid the bill.'
    assert [text[start:end] for start, end in sentences(text, 0, len(text))] == [
        "It cost 3.50 today.",
        '"Is that so, then?"',
        "she said to me again",
        "Yes! I paid the bill.",
    ]


@given(prose, st.integers(SENTENCE_CHARACTERS, 200))
def test_sentences_are_no_shorter_than_told(text: str, least: int) -> None:
    """Fragments are read together, so that full stops alone cannot make a text dear."""
    parts = list(sentences(text, 0, len(text), least))
    assert all(end - start >= least for start, end in parts[:-1])

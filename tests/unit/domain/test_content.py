"""Positions in a text, in every unit, and masking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.content import FoldedText, OffsetTable, Span, mask

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aé€😀\u200d"))


@given(texts)
def test_offsets_agree_with_the_codecs(text: str):
    """Law: every code point's offsets are what UTF-8 and UTF-16 encoders give for the prefix."""
    table = OffsetTable(text)
    for position in range(len(text) + 1):
        prefix = text[:position]
        expected = (position, len(prefix.encode()), len(prefix.encode("utf-16-le")) // 2)
        assert tuple(table.at(position)) == expected


@given(texts, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_masking_hides_what_is_spanned_and_nothing_else(text: str, pairs):
    """Law: masked text is as long, differs only inside spans, and keeps no letter inside them."""
    spans = [Span(min(pair), min(max(pair), len(text))) for pair in pairs]
    inside = {index for start, end in spans for index in range(start, end)}
    filtered = mask(text, spans)
    assert len(filtered) == len(text)
    for index, (before, after) in enumerate(zip(text, filtered, strict=True)):
        hidden = index in inside and not before.isspace()
        assert after == ("*" if hidden else before)


def test_a_mask_takes_the_character_asked_for():
    """Law: the policy chooses what a hit is covered with."""
    assert mask("a bad word", [Span(2, 5)], "█") == "a ███ word"


@given(st.text(min_size=1), st.data())
def test_the_identity_reading_maps_to_itself(text: str, data: st.DataObject):
    """Law: where nothing was folded, a range is its own origin."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert FoldedText.identity(text).original(start, end) == Span(start, end)


def test_a_folded_range_covers_all_it_was_read_from():
    """Law: what was removed between two letters belongs to the range that spans them."""
    from array import array

    folded = FoldedText("ab", array("I", [0, 3]), array("I", [1, 4]))
    assert folded.original(0, 2) == Span(0, 4)


@pytest.mark.parametrize("text", ["", "plain"])
def test_offsets_of_ascii_are_the_position(text: str):
    """Law: in ASCII all three units agree."""
    assert tuple(OffsetTable(text).at(len(text))) == (len(text),) * 3

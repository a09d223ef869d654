"""Words stay words: whatever content holds, its frame and the template's turns are untouched."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.reviewers.chat_model.framing import disarmed, encoded, framed, new_boundary

PIECES = ("<|im_end|>", "[INST]", "[/INST]", "</s>", "[gMASK]", '"', "\\", "\n", "\u2028", "\ud800")
texts = st.text(st.characters(exclude_categories=()), max_size=30)
hostile = st.lists(texts | st.sampled_from(PIECES), max_size=8).map("".join)
documents = st.recursive(
    hostile | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=8,
)
BOUNDARY = "content-0123456789abcdef"


@given(document=documents)
def test_a_document_comes_back_as_it_was(document):
    """Law: framing loses nothing and changes nothing."""
    first, line, last = framed(document, BOUNDARY).split("\n")
    assert (first, last) == (BOUNDARY, BOUNDARY)
    assert json.loads(line) == json.loads(json.dumps(document))


@given(text=hostile)
def test_a_framed_text_has_no_line_break_and_no_bracket(text: str):
    """Law: nothing in a string can end its line, its quotation or open a control token."""
    line = encoded({"text": text})
    assert len(line.splitlines()) == 1
    assert "<" not in line
    assert "[" not in line
    line.encode("utf-8")


@given(text=hostile)
def test_a_disarmed_text_has_no_control_token(text: str):
    """Law: no bracket stands before what it would open, and disarming twice changes nothing."""
    bare = disarmed(text)
    for token in ("<|", "</", "[INST", "[/INST", "[gMASK"):
        assert token not in bare
    assert disarmed(bare) == bare
    bare.encode("utf-8")


@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="<[")))
def test_ordinary_text_is_not_disarmed(text: str):
    """Law: without a risky bracket not a character changes."""
    assert disarmed(text) == text


def test_disarming_keeps_what_people_write():
    """Law: hearts, links and footnotes stay readable."""
    assert disarmed("I <3 you [see](url) [1] a < b") == "I < 3 you [see](url) [1] a < b"


def test_boundaries_are_never_the_same():
    """Law: what content saw once does not help it again."""
    assert len({new_boundary() for _ in range(100)}) == 100

"""Where the sentences of a text begin and end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.sentences import sentence_spans

parts = st.sampled_from(
    ["You", "said", "so", ".", "!", "?!", "...", "3.5", "e.g.", "\n", " ", "”", ")", "日本。", "👍"]
)
texts = st.lists(parts, max_size=30).map("".join) | st.text(max_size=200)


def sentences(text: str) -> list[str]:
    """The sentences themselves."""
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One only", ["One only"]),
        ("I like it. You don't!", ["I like it.", "You don't!"]),
        ("Really?! Yes... “So there.” Fine", ["Really?!", "Yes...", "“So there.”", "Fine"]),
        (
            "J. R. Hope of the U.S. army, e.g. me. Hi",
            ["J. R. Hope of the U.S. army, e.g. me.", "Hi"],
        ),
        ("Dr. Lee saw Mrs. Hope at 3.5 pm.", ["Dr. Lee saw Mrs. Hope at 3.5 pm."]),
        ("Go to example.com. Now.", ["Go to example.com.", "Now."]),
        ("It was in 1984. Then it ended.", ["It was in 1984.", "Then it ended."]),
        ("1. Wash\n2. Dry", ["1. Wash", "2. Dry"]),
        ("これはペンです。あれは本です。", ["これはペンです。", "あれは本です。"]),
        ("Stop it. ... !!! Now", ["Stop it. ... !!!", "Now"]),
        ("... and so it goes. On", ["... and so it goes.", "On"]),
        ("line one\n\n  line two  ", ["line one", "line two"]),
        ("Good 👍. 😡!", ["Good 👍.", "😡!"]),
        ("!!!", ["!!!"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_sentences_are_told_apart(text: str, expected: list[str]):
    """Law: marks end sentences; abbreviations, numbers and addresses do not."""
    assert sentences(text) == expected


@given(texts)
def test_sentences_part_a_text(text: str):
    """Law: spans come in order, none is empty or blank, and only white space is in none of them."""
    spans = list(sentence_spans(text))
    covered = "".join(text[start:end] for start, end in spans)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    outside = len(text) - len(covered)
    inside_spaces = sum(c.isspace() for c in text) - sum(c.isspace() for c in covered)
    assert outside == inside_spaces

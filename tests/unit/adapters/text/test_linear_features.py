"""The laws of the linear model's featuriser, which training and serving share."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.toxicity_model.features import BUCKETS, featurise, featurise_all, tokenise

any_text = st.text(st.characters(exclude_categories=()), max_size=200)
words = st.lists(st.text("abcdefgh", min_size=2, max_size=8), min_size=1, max_size=12)


@given(any_text)
def test_any_string_gives_sorted_distinct_buckets(text: str) -> None:
    """Any string, lone surrogates included, becomes distinct buckets within the table."""
    for buckets in featurise(text):
        assert (np.diff(buckets) > 0).all()
        assert ((buckets >= 0) & (buckets < BUCKETS)).all()


@given(st.lists(any_text | words.map(" ".join), max_size=6))
def test_texts_read_together_keep_to_themselves(texts: list[str]) -> None:
    """Many texts at one go have the buckets that each has alone, and none across their borders."""
    for kind, bags in enumerate(featurise_all(texts)):
        for row, text in enumerate(texts):
            assert np.array_equal(bags.buckets[bags.rows == row], featurise(text)[kind])


def test_the_hash_is_the_one_that_the_shipped_weights_were_trained_with() -> None:
    """A featuriser that changes must change FEATURES_VERSION and be trained with again."""
    text = "I'll see YOU @ 10:45!!! https://example.org/a @someone naïve 🔥🔥🔥 sooooo 𝒳"
    found = hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in featurise(text)))
    assert found.hexdigest()[:16] == "484555f16b8a401c"


@given(words)
def test_letter_case_says_nothing(tokens: list[str]) -> None:
    """A text and the same in capitals are one to the model."""
    text = " ".join(tokens)
    for lower, upper in zip(featurise(text), featurise(text.upper()), strict=True):
        assert np.array_equal(lower, upper)


@given(words)
def test_character_runs_stay_within_a_word(tokens: list[str]) -> None:
    """The character n-grams of a text are those of its words, whatever stands beside them."""
    together = set(featurise(" ".join(tokens)).characters.tolist())
    apart = {int(n) for token in tokens for n in featurise(token).characters}
    assert together == apart


def test_word_order_is_seen() -> None:
    """Pairs and threes of words tell who does what to whom."""
    one, other = featurise("the dog bit the man"), featurise("the man bit the dog")
    assert np.array_equal(one.characters, other.characters)
    assert not np.array_equal(one.words, other.words)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("  \n\t", []),
        ("Don't!", ["don't", "!"]),
        ("nooooo", ["noo"]),
        ("room 417", ["room", "0"]),
        ("call +1 202 555 0147 or 98765", ["call", "+", "0", "or", "0"]),
        ("v1.2.3 of 7f3c9e1b at 10.45pm", ["0", "of", "0", "at", "0", ".", "0"]),
        ("password hunter22, b4 5 then 2nd", ["password", "hunter0", ",", "0", "then", "0"]),
        ("see https://example.org/x?y=1 now", ["see", "weburl", "now"]),
        ("@someone hi", ["usermention", "hi"]),
        ("mail a@b.example", ["mail", "a", "@", "b", ".", "example"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    """Addresses, mentions, numbers, codes and drawn-out letters are each read as one thing."""
    assert tokenise(text) == tokens

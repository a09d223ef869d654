"""The laws of the trainer's small parts: wording, splits, thresholds, quantising."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.linear.quantise import quantise
from training.linear.thresholds import flagged, propose
from training.linear.wording import clean, tenth, wording

from gaveld.adapters.text.toxicity_model.features import BUCKETS


@pytest.mark.parametrize(
    ("published", "meant"),
    [
        ("RT @someone: hello &amp; goodbye", "hello & goodbye"),
        ("[USER] look at [URL]", "@user look at http://t.co/x"),
        ("<user> hello", "@user hello"),
        ("A < B & C", "A < B & C"),
    ],
)
def test_texts_are_cleaned_of_what_publishing_did_to_them(published: str, meant: str) -> None:
    """Placeholders become what they stand for, and everything else stays."""
    assert clean(published) == meant


def test_equal_wordings_fall_on_one_side_of_a_split() -> None:
    """Case, spacing and punctuation do not carry a text across."""
    assert wording("Well, HELLO there!") == wording("well hello there")
    assert wording("well hello them") != wording("well hello there")
    assert wording("?!") != wording("!!")


def test_tenths_are_about_equal() -> None:
    """Each tenth gets its share, the same on every machine."""
    counts = np.bincount([tenth(f"text {number}") for number in range(10_000)], minlength=10)
    assert len(counts) == 10
    assert counts.min() > 850
    assert [tenth(word) for word in ("a", "b", "c")] == [0, 6, 0]


def test_a_small_register_counts_as_much_as_a_large_one() -> None:
    """The flagged share is averaged over registers, not over texts."""
    scores = np.concatenate([np.zeros(1_000), np.ones(10)])
    parts = {"large": np.arange(1_000), "small": np.arange(1_000, 1_010)}
    assert flagged(scores, parts, 0.5) == 0.5


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=50),
    st.sampled_from([0.0, 0.01, 0.2]),
)
def test_a_proposed_threshold_keeps_its_promise_and_is_the_lowest(
    values: list[float], rate: float
) -> None:
    """At the threshold no more are flagged than promised; a hundredth lower, more are."""
    scores = np.array(values)
    parts = {"all": np.arange(len(scores))}
    threshold = propose(scores, parts, rate)
    assert 0.05 <= threshold <= 0.99
    if threshold < 0.99:
        assert flagged(scores, parts, threshold) <= rate
    if threshold > 0.05:
        assert flagged(scores, parts, threshold - 0.01) > rate


def test_quantised_weights_are_off_by_half_a_step_at_most() -> None:
    """The largest weight of a label spans 127 steps, and every weight is the nearest step."""
    exact = np.random.default_rng(1).normal(0, 1, BUCKETS).astype(np.float32)
    model = quantise(("one", "other"), [(exact, 0.5), (np.zeros_like(exact), -1.0)])
    assert np.abs(model.weights[:, 0]).max() == 127
    off = np.abs(model.weights[:, 0] * model.scales[0] - exact)
    assert off.max() <= model.scales[0] * 0.5001
    assert not model.weights[:, 1].any()
    assert model.offsets.tolist() == [0.5, -1.0]

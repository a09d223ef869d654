"""Patterns are bounded by the size of their program, and any text may meet them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.rules import Re2Patterns
from gaveld.application.ports import PatternInvalidError

PATTERNS = Re2Patterns()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        (r"\1", "invalid escape"),
        ("(?=a)", "invalid perl operator"),
        ("((a{1,100}){1,100}){1,100}", "invalid repetition"),
        (r"\p{L}{1,500}", "too large"),
        ("\ud800", "not Unicode"),
    ],
)
def test_what_can_not_be_used_is_refused_with_its_reason(pattern: str, reason: str):
    """Law: no pattern that is no RE2, or dear whatever the text, is put into a policy."""
    with pytest.raises(PatternInvalidError, match=reason.replace(")", r"\)")):
        PATTERNS.check(pattern)
    assert not PATTERNS.fits(pattern, "a")


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(a|a)*b", "(.*)*x"])
def test_patterns_that_hang_other_engines_answer(pattern: str):
    """Law: a text that backtracks for ever elsewhere is answered."""
    PATTERNS.check(pattern)
    assert not PATTERNS.fits(pattern, "x" * 100_000 + "a" * 100_000)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_fits_or_does_not(text: str):
    """Law: no text, lone surrogates included, breaks a pattern."""
    assert PATTERNS.fits("(?s).*", text) is not any("\ud800" <= c <= "\udfff" for c in text)

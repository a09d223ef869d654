"""JSON that has one meaning, and nothing else."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.transport.rest.strict_json import MAX_DEPTH, MalformedJsonError, read_json

SECRET = "kitten"
REFUSED = [
    b"",
    b"{",
    b"{}{}",
    b'{"a": 1,}',
    b'{"a": 1, "a": 1}',
    b'{"b": {"a": 1, "\\u0061": 2}}',
    b"NaN",
    b"[Infinity]",
    b"[-Infinity]",
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b'["\\udc00\\ud800"]',
    b'{"\\ud83d": 1}',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf{}",
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b'{"a":' * 100_000,
    b"[" * 100_000,
    b"'a'",
    b'"\t"',
    b"01",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: repr(raw[:24]))
def test_two_meanings_are_refused(raw):
    """Law: whatever readers disagree on is an error, however deep or long."""
    with pytest.raises(MalformedJsonError):
        read_json(raw)


@given(VALUES)
def test_json_is_read_as_it_was_written(value):
    """Law: every JSON value comes through unchanged, escaped or not."""
    assert read_json(json.dumps(value).encode()) == value
    if "\\ud" not in json.dumps(value, ensure_ascii=False):
        assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_as_deep_as_may_be():
    """Law: the limit itself is allowed."""
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    "raw", [f'{{"{SECRET}": "{SECRET}", "{SECRET}": 1}}', f'{{"{SECRET}"', f'"{SECRET}']
)
def test_errors_quote_nothing(raw):
    """Law: what is wrong is told by place, never by content."""
    with pytest.raises(MalformedJsonError) as refused:
        read_json(raw.encode())
    assert SECRET not in str(refused.value)


@given(st.binary(max_size=40))
def test_no_bytes_are_more_than_malformed(raw):
    """Law: any bytes are read or refused, and raise nothing else."""
    with contextlib.suppress(MalformedJsonError):
        assert read_json(raw) == json.loads(raw)

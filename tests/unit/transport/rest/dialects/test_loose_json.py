"""Google's looser JSON: what it allows beside JSON, and that it allows nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.transport.rest.dialects.loose_json import MAX_LOOSE_BYTES, read_loose_json
from gaveld.transport.rest.strict_json import MalformedJsonError

KEYS = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_$]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def loose(value: object) -> str:
    """Write a value with names without quotes, and a comma after each last entry."""
    if isinstance(value, dict):
        return "{" + "".join(f"{name} : {loose(entry)},\n" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{loose(entry)} , " for entry in value) + "]"
    return json.dumps(value)


@given(VALUES)
def test_what_is_written_loosely_is_read_as_it_was_meant(value):
    """Law: quotes and last commas make no difference, whatever strings hold."""
    assert read_loose_json(loose(value).encode()) == value
    assert read_loose_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200) | st.text('{}[]",:\\ab1 \n', max_size=60).map(str.encode))
def test_no_bytes_make_it_fail_otherwise(raw):
    """Law: whatever the bytes are, there is a value or ``MalformedJsonError``."""
    try:
        read_loose_json(raw)
    except MalformedJsonError:
        return


@pytest.mark.parametrize(
    "raw", [b"{a: 1, a: 2}", b"{a b: 1}", b"{'a': 1}", b"[1,,2]", b"{a: NaN}", b"{a: b}", b"{1: 2}"]
)  # fmt: skip
def test_nothing_else_is_allowed(raw):
    """Law: duplicate names, bare words as values and other looseness stay refused."""
    with pytest.raises(MalformedJsonError):
        read_loose_json(raw)


def test_a_large_body_must_be_strict():
    """Law: what no hand wrote is held to strict JSON."""
    padding = b" " * MAX_LOOSE_BYTES
    assert read_loose_json(b'{"a": 1}' + padding) == {"a": 1}
    with pytest.raises(MalformedJsonError):
        read_loose_json(b"{a: 1}" + padding)

"""The digest that tells one piece of content from another."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.media import MediaReference
from gaveld.domain.submissions import ContentSubmission, content_sha256
from gaveld.domain.typed_content import FieldType, MediaValue, Url

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLAIN = st.one_of(
    st.text(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.builds(Url, st.text()),
    st.datetimes(timezones=st.just(UTC)),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


def picture(**reference: object) -> MediaValue:
    """A picture by its bytes or its address."""
    return MediaValue(FieldType.IMAGE, MediaReference(**reference))


def test_the_form_is_the_one_that_is_documented():
    """Law: anybody can work the digest out, from canonical JSON that names every value's type."""
    fields = {
        "when": NOON,
        "age": 41,
        "body": "Grüße\n",
        "face": picture(data=b"GIF"),
        "far": picture(uri="https://a.example/b.png"),
        "home": Url("https://a.example"),
        "loud": True,
        "score": 1.5,
        "tags": ("a", {"b": 1}),
    }
    gif = hashlib.sha256(b"GIF").hexdigest()
    form = (
        '{"age":{"int":"41"},"body":{"string":"Grüße\\n"},'
        f'"face":{{"image":{{"sha256":"{gif}"}}}},'
        '"far":{"image":{"uri":"https://a.example/b.png"}},'
        '"home":{"url":"https://a.example"},"loud":{"bool":true},'
        '"score":{"float":"3ff8000000000000"},'
        '"tags":{"list":[{"string":"a"},{"object":{"b":{"int":"1"}}}]},'
        '"when":{"datetime":"2026-11-22T12:00:00.000000Z"}}'
    )
    assert content_sha256(fields) == hashlib.sha256(form.encode()).hexdigest()
    assert ContentSubmission("c", fields).sha256 == content_sha256(fields)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_the_order_of_fields_never_matters(fields):
    """Law: equal content has one digest, however its sender orders it."""
    assert content_sha256(dict(reversed(fields.items()))) == content_sha256(fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        (1, 1.0),
        (1, True),
        ("", ()),
        ((), {}),
        ("https://a.example", Url("https://a.example")),
        (picture(uri="https://a.example"), Url("https://a.example")),
        (picture(data=b"a"), MediaValue(FieldType.VIDEO, MediaReference(data=b"a"))),
        (0.0, -0.0),
        (("a", "b"), ("b", "a")),
        (("ab",), ("a", "b")),
        (NOON, NOON + timedelta(microseconds=1)),
        ("\ud800", "\ud801"),
    ],
)
def test_what_differs_has_another_digest(one, other):
    """Law: neither types nor values run into one another."""
    assert content_sha256({"a": one}) != content_sha256({"a": other})


def test_one_moment_has_one_digest():
    """Law: a time is a point in time, whatever zone it was given in."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert content_sha256({"a": elsewhere}) == content_sha256({"a": NOON})

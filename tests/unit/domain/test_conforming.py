"""Content fits its type, or every field that does not is named; values are read as JSON means."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.conforming import conform, content_type_named
from gaveld.domain.errors import ErrorReason, InvalidRequest
from gaveld.domain.media import MediaReference
from gaveld.domain.typed_content import (
    ContentType,
    FieldDefinition,
    FieldType,
    MediaValue,
    Url,
)

URL = "https://a.example/x?y=1"
INLINE = MediaReference(data=b"GIF")


def fits(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def a(kind: FieldType, name: str = "", **more) -> FieldDefinition:
    return FieldDefinition(name, kind, **more)


def faults(content_type: ContentType, fields) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        conform(content_type, fields, fits)
    assert refused.value.reason is ErrorReason.CONTENT_TYPE_MISMATCH
    assert refused.value.metadata == {"content_type": content_type.name}
    return [(entry.field, entry.rule) for entry in refused.value.violations]


def of_one(definition: FieldDefinition) -> ContentType:
    return ContentType("T", (definition,))


POST = ContentType(
    "Post",
    (
        a(FieldType.STRING, "title", required=True, min=3, max=10, pattern="[A-Z].*"),
        a(FieldType.INT, "age", min=0, max=150),
        a(FieldType.LIST, "tags", max=2, item=a(FieldType.STRING, max=5)),
        a(
            FieldType.LIST,
            "comments",
            item=a(
                FieldType.OBJECT,
                fields=(
                    a(FieldType.STRING, "body", required=True),
                    a(FieldType.IMAGE, "picture"),
                ),
            ),
        ),
        a(FieldType.OBJECT, "author", required=True, fields=(a(FieldType.BOOL, "known"),)),
    ),
)


def test_every_fault_is_named_in_one_error():
    """Law: missing, mistyped, unknown and out-of-bounds fields are all in one error, by path."""
    fields = {
        "zebra": 1,
        "title": "a",
        "age": 200,
        "tags": ("ok", "too long", 3, True),
        "comments": ({}, {"body": 1.5, "picture": "not an address", "extra": "x"}, "no object"),
        "apple": 2,
    }
    assert faults(POST, fields) == [
        ("fields.title", "TOO_SMALL"),
        ("fields.title", "PATTERN"),
        ("fields.age", "TOO_LARGE"),
        ("fields.tags", "TOO_LARGE"),
        ("fields.tags[1]", "TOO_LARGE"),
        ("fields.tags[2]", "MISTYPED"),
        ("fields.tags[3]", "MISTYPED"),
        ("fields.comments[0].body", "MISSING"),
        ("fields.comments[1].body", "MISTYPED"),
        ("fields.comments[1].picture", "MISTYPED"),
        ("fields.comments[1].extra", "UNKNOWN"),
        ("fields.comments[2]", "MISTYPED"),
        ("fields.author", "MISSING"),
        ("fields.apple", "UNKNOWN"),
        ("fields.zebra", "UNKNOWN"),
    ]


def test_what_fits_comes_back_in_the_order_of_the_type():
    """Law: content that fits is given back, optional fields left out where they were."""
    fields = {"author": {"known": True}, "tags": (), "title": "Abc"}
    fitting = conform(POST, fields, fits)
    assert fitting == fields
    assert list(fitting) == ["title", "tags", "author"]


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        (FieldType.STRING, "", ""),
        (FieldType.INT, -(2**63), -(2**63)),
        (FieldType.FLOAT, 3, 3.0),
        (FieldType.FLOAT, 0.5, 0.5),
        (FieldType.BOOL, False, False),
        (FieldType.URL, URL, Url(URL)),
        (FieldType.URL, Url(URL), Url(URL)),
        (FieldType.IMAGE, URL, MediaValue(FieldType.IMAGE, MediaReference(URL))),
        (
            FieldType.VIDEO,
            "DATA:video/mp4;base64,AA==",
            MediaValue(FieldType.VIDEO, MediaReference("DATA:video/mp4;base64,AA==")),
        ),
        (FieldType.AUDIO, MediaValue(FieldType.AUDIO, INLINE), MediaValue(FieldType.AUDIO, INLINE)),
        (FieldType.DATETIME, "2026-11-22T10:15:00Z", datetime(2026, 11, 22, 10, 15, tzinfo=UTC)),
        (
            FieldType.DATETIME,
            "2026-11-22t11:15:00.25+01:00",
            datetime(2026, 11, 22, 10, 15, 0, 250_000, tzinfo=UTC),
        ),
        (
            FieldType.DATETIME,
            datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
        (FieldType.LIST, (), ()),
        (FieldType.OBJECT, {}, {}),
    ],
)
def test_what_json_has_no_types_for_is_read(kind: FieldType, given, read):
    """Law: a string stands for a url, a file or a time, an int for a float; nothing else does."""
    value = conform(of_one(a(kind, "x")), {"x": given}, fits)["x"]
    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (FieldType.STRING, 1),
        (FieldType.STRING, Url(URL)),
        (FieldType.STRING, datetime(2026, 1, 1, tzinfo=UTC)),
        (FieldType.INT, True),
        (FieldType.INT, 1.0),
        (FieldType.INT, "1"),
        (FieldType.FLOAT, False),
        (FieldType.FLOAT, "0.5"),
        (FieldType.FLOAT, math.nan),
        (FieldType.FLOAT, math.inf),
        (FieldType.FLOAT, 10**400),
        (FieldType.BOOL, 1),
        (FieldType.BOOL, "true"),
        (FieldType.URL, "a.example"),
        (FieldType.URL, "javascript:alert(1)"),
        (FieldType.URL, Url("ftp://a.example/")),
        (FieldType.URL, "https://a.example/ x"),
        (FieldType.URL, "https://a.example/" + "x" * 2_048),
        (FieldType.URL, 5),
        (FieldType.IMAGE, "a.png"),
        (FieldType.IMAGE, Url(URL)),
        (FieldType.IMAGE, MediaValue(FieldType.VIDEO, INLINE)),
        (FieldType.AUDIO, b"bytes"),
        (FieldType.DATETIME, "2026-11-22"),
        (FieldType.DATETIME, "2026-11-22T10:15:00"),
        (FieldType.DATETIME, "2026-13-22T10:15:00Z"),
        (FieldType.DATETIME, "2026-11-22 10:15"),
        (FieldType.DATETIME, "0001-01-01T00:00:00+14:00"),
        (FieldType.DATETIME, "２０２６-11-22T10:15:00Z"),
        (FieldType.DATETIME, 1_764_000_000),
        (FieldType.LIST, "abc"),
        (FieldType.LIST, {"0": 1}),
        (FieldType.OBJECT, ()),
        (FieldType.OBJECT, MediaValue(FieldType.IMAGE, INLINE)),
        (FieldType.OBJECT, "x"),
    ],
)
def test_what_is_of_another_type_is_mistyped(kind: FieldType, given):
    """Law: nothing is guessed: a value of another type is an error and says what is wanted."""
    assert faults(of_one(a(kind, "x")), {"x": given}) == [("fields.x", "MISTYPED")]


@pytest.mark.parametrize(
    ("definition", "given", "rule"),
    [
        (a(FieldType.INT, "x", min=3), 2, "TOO_SMALL"),
        (a(FieldType.INT, "x", min=0), -1, "TOO_SMALL"),
        (a(FieldType.FLOAT, "x", max=0.5), 0.50001, "TOO_LARGE"),
        (a(FieldType.FLOAT, "x", max=0), 1, "TOO_LARGE"),
        (a(FieldType.STRING, "x", min=1), "", "TOO_SMALL"),
        (a(FieldType.STRING, "x", max=2), "😀😀😀", "TOO_LARGE"),
        (a(FieldType.STRING, "x", pattern="a|ab"), "abc", "PATTERN"),
        (a(FieldType.LIST, "x", min=1, item=a(FieldType.INT)), (), "TOO_SMALL"),
        (a(FieldType.LIST, "x", max=1, item=a(FieldType.INT)), (1, 2), "TOO_LARGE"),
    ],
)
def test_bounds_are_inclusive(definition: FieldDefinition, given, rule: str):
    """Law: a bound is of the number itself, a string's characters or a list's items."""
    assert faults(of_one(definition), {"x": given}) == [("fields.x", rule)]


@pytest.mark.parametrize(
    ("definition", "given"),
    [
        (a(FieldType.INT, "x", min=3, max=3), 3),
        (a(FieldType.STRING, "x", min=2, max=2), "😀😀"),
        (a(FieldType.LIST, "x", min=2, max=2, item=a(FieldType.INT)), (1, 2)),
    ],
)
def test_a_bound_is_within_bounds(definition: FieldDefinition, given):
    """Law: what is just as large as it may be, is."""
    assert conform(of_one(definition), {"x": given}, fits) == {"x": given}


values = st.recursive(
    st.one_of(
        st.text(max_size=8),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.booleans(),
        st.datetimes(timezones=st.just(UTC)),
        st.builds(Url, st.text(max_size=8)),
        st.builds(MediaValue, st.sampled_from([FieldType.IMAGE, FieldType.AUDIO]), st.just(INLINE)),
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["title", "body", "known", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["title", "age", "tags", "comments", "author", "other"]), values
    )
)
def test_content_fits_or_says_why(fields):
    """Law: whatever is sent, it fits, and then fits again unchanged, or an error names fields."""
    try:
        fitting = conform(POST, fields, fits)
    except InvalidRequest as refused:
        named = {entry.field for entry in refused.violations}
    else:
        assert conform(POST, fitting, fits) == fitting
        named = {"fields"}
    assert named
    assert all(path.startswith("fields") for path in named)


@given(st.text(min_size=12), st.text(alphabet="abcdefgh", min_size=12))
def test_no_value_is_quoted(secret: str, word: str):
    """Law: an error names fields and rules, and nothing of what the content says."""
    fields = {"title": word, "age": secret, "tags": (word * 2,), "author": secret}
    with pytest.raises(InvalidRequest) as refused:
        conform(POST, fields, fits)
    assert word not in str(refused.value)
    assert secret not in str(refused.value)


def test_more_faults_than_an_error_can_carry_are_counted():
    """Law: an error stays small enough to reach the caller, and says how much it leaves out."""
    fields = {f"unknown_{number:03}_{'x' * 50}": 1 for number in range(128)}
    with pytest.raises(InvalidRequest) as refused:
        conform(ContentType("T"), fields, fits)
    *named, last = refused.value.violations
    assert last.field == "fields"
    assert f"{128 - len(named)} more" in last.description
    assert len(str(refused.value)) < 3_500


def test_a_type_is_found_by_its_name():
    """Law: content without a type is untyped, and a name that nobody defined is an error."""
    assert content_type_named("", (POST,)) is None
    assert content_type_named("Post", (POST,)) is POST
    with pytest.raises(InvalidRequest) as refused:
        content_type_named("post", (POST,))
    assert refused.value.reason is ErrorReason.UNKNOWN_CONTENT_TYPE
    assert refused.value.metadata == {"content_type": "post"}

"""Messages to and from proto3 JSON, held to protobuf's own reading of it."""

import contextlib
import json

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.transport.rest.json_reading import FieldError, fill
from gaveld.transport.rest.json_writing import to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
INNER = st.deferred(
    lambda: st.fixed_dictionaries(
        {}, optional={"text": TEXT, "size": INT64.map(str), "labels": st.lists(TEXT, max_size=2)}
    )
)
LARGEST_FLOAT = 3.4028234663852886e38
"""Protobuf itself writes it as more than it reads."""
FIELDS = {
    "name": TEXT,
    "int32Value": INT32,
    "int64Value": INT64.map(str) | INT64,
    "uint32Value": st.integers(0, 2**32 - 1),
    "uint64Value": st.integers(0, 2**64 - 1).map(str),
    "sint32Value": INT32,
    "fixed64Value": st.integers(0, 2**64 - 1),
    "floatValue": st.floats(width=32, allow_nan=False, allow_infinity=False).filter(
        lambda value: abs(value) < LARGEST_FLOAT
    ),
    "doubleValue": FINITE | st.sampled_from(["NaN", "Infinity", "-Infinity"]),
    "boolValue": st.booleans(),
    "bytesValue": st.sampled_from(["", "aGk=", "-_-_", "AAECAw=="]),
    "colour": st.sampled_from(["COLOUR_RED", "COLOUR_UNSPECIFIED", 2, 9]),
    "inner": INNER,
    "inners": st.lists(INNER, max_size=3),
    "texts": st.lists(TEXT, max_size=3),
    "numbers": st.lists(INT32, max_size=3),
    "innersByName": st.dictionaries(TEXT, INNER, max_size=3),
    "textsByNumber": st.dictionaries(INT32.map(str), TEXT, max_size=3),
    "doublesByBool": st.dictionaries(st.sampled_from(["true", "false"]), FINITE),
    "maybe": TEXT,
    "chosenText": TEXT,
    "time": st.sampled_from(["2026-01-31T12:00:00Z", "1969-12-31T23:59:59.5Z"]),
    "duration": st.sampled_from(["0s", "-1.5s", "3600.000000001s"]),
    "mask": st.sampled_from(["", "name", "name,inner.text", "int32Value"]),
    "struct": st.dictionaries(TEXT, JSON_VALUES, max_size=3),
    "value": JSON_VALUES,
    "list": st.lists(JSON_VALUES, max_size=3),
    "stringWrapper": TEXT,
    "boolWrapper": st.booleans(),
    "int64Wrapper": INT64.map(str),
    "otherName": TEXT,
}
OBJECTS = st.fixed_dictionaries({}, optional=FIELDS)


@settings(max_examples=300, deadline=None)
@given(value=OBJECTS)
def test_reading_and_writing_are_protobufs_own(everything, value):
    """Law: what protobuf's library reads is read alike, and written alike."""
    ours, theirs = everything(), everything()
    fill(ours, value)
    json_format.ParseDict(value, theirs)
    assert ours == theirs
    assert json.loads(to_json(ours)) == json_format.MessageToDict(theirs)
    declared = json.loads(to_json(ours, as_declared=True))
    assert declared == json_format.MessageToDict(theirs, preserving_proto_field_name=True)


@settings(max_examples=300, deadline=None)
@given(value=st.dictionaries(st.sampled_from([*FIELDS, "int32_value", "x"]), JSON_VALUES))
def test_no_value_is_more_than_refused(everything, value):
    """Law: whatever JSON comes, it is refused by field, or taken and given back."""
    message, again = everything(), everything()
    with contextlib.suppress(FieldError):
        fill(message, value)
        fill(again, json.loads(to_json(message)))
        assert again == message


@pytest.mark.parametrize("value", [LARGEST_FLOAT, -LARGEST_FLOAT])
def test_the_largest_float_is_written_so_that_it_is_read(everything, value):
    """Law: what is written is read again as the same, at the end of the range too."""
    message, again = everything(float_value=value), everything()
    fill(again, json.loads(to_json(message)))
    assert again == message


@pytest.mark.parametrize("prefix", ["data:;base64,", "DATA:image/png;name=a.png;base64,"])
def test_a_data_url_is_taken_for_its_bytes(everything, prefix):
    """Law: bytes may come as browsers give files: a data URL in base64, and in nothing else."""
    message = everything()
    fill(message, {"bytesValue": prefix + "aGk="})
    assert message.bytes_value == b"hi"
    with pytest.raises(FieldError):
        fill(everything(), {"bytesValue": prefix.replace(";base64", "") + "aGk="})


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"int32Value": "kitten"}, "int32_value"),
        ({"inner": {"inner": {"size": "kitten"}}}, "inner.inner.size"),
        ({"inners": [{}, {"size": True}]}, "inners[1].size"),
        ({"numbers": [1, "kitten"]}, "numbers[1]"),
        ({"innersByName": {"a": {"size": []}}}, 'inners_by_name["a"].size'),
        ({"innersByName": {"kitten is ill": 1}}, "inners_by_name[]"),
        ({"text": "a", "inner": {"kitten is ill": 1}}, "inner"),
        ({"time": "kitten"}, "time"),
        ({"otherName": "a", "renamed": "b"}, "renamed"),
        ({"chosenText": "a", "chosenInner": {}}, "chosen_inner"),
    ],
)
def test_the_field_is_named_and_the_value_is_not(everything, value, field):
    """Law: an error has the path that the contract declares, and no content."""
    with pytest.raises(FieldError) as refused:
        fill(everything(), value)
    assert refused.value.field == field
    assert "kitten" not in str(refused.value)

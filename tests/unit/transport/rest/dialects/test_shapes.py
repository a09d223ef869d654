"""What a request of a wrong shape is told."""

import pytest
from pydantic import Field

from gaveld.transport.rest.dialects.shapes import Shape, shaped
from gaveld.transport.rest.failures import RpcFailure


class _Inner(Shape):
    names: list[str] | None = None
    pair: tuple[int, ...] | None = None
    table: dict[str, int] | None = None


class _Outer(Shape):
    inner: _Inner
    name: str = Field("a", min_length=1)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "The body must be an object."),
        ({"inner": "x"}, "inner must be an object."),
        ({"inner": {"names": 1}}, "inner.names must be an array."),
        ({"inner": {"pair": {}}}, "inner.pair must be an array."),
        ({"inner": {"table": []}}, "inner.table must be an object."),
        ({}, "inner is required."),
        ({"inner": {}, "name": ""}, "name must have at least 1 character."),
        ({"inner": {"nmaes": []}}, "inner.nmaes is no field of this API."),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_json(value: object, said: str):
    """Law: callers read of objects and arrays, and never of Python's types or our classes."""
    with pytest.raises(RpcFailure) as refused:
        shaped(_Outer, value)
    assert refused.value.status.message == said

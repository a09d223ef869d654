"""How much time a call gets, and how much of it the use case."""

import asyncio
import time
from types import SimpleNamespace
from typing import cast

import pytest

from gaveld.domain.errors import DeadlineExceeded
from gaveld.transport.grpc.call import Call, Context, Method
from gaveld.transport.grpc.interceptors.deadline import Deadline


def call(remaining: float | None, kind: str = "unary") -> Call:
    """Make a call whose caller still waits for this long."""
    context = cast("Context", SimpleNamespace(time_remaining=lambda: remaining))
    return Call(Method("/s/M", "s", "M", kind, None), context, {}, None, asyncio.timeout(None))


@pytest.mark.parametrize(
    ("kind", "remaining", "expected"),
    [
        ("unary", None, 30),
        ("unary", 60, 30),
        ("unary", 5, 5),
        ("bidi_stream", 60, 60),
        ("bidi_stream", None, None),
    ],
)
async def test_the_cap_bounds_unary_calls_only(
    kind: str, remaining: float | None, expected: float | None
):
    """Law: a unary call gets the smaller of deadline and cap, a stream what its caller says."""
    made = call(remaining, kind)
    before = time.monotonic()
    async with made.timer:
        await Deadline(30).before(made)
        assert (made.timer.when() is None) == (expected is None)
    if expected is None:
        assert made.due is None
    else:
        assert made.due is not None
        assert before + expected <= made.due <= time.monotonic() + expected


@pytest.mark.parametrize("remaining", [0.0, -1.0])
async def test_a_call_that_is_overdue_is_not_begun(remaining: float):
    """Law: no work is done for a caller who no longer waits."""
    with pytest.raises(DeadlineExceeded):
        await Deadline(30).before(call(remaining))


@pytest.mark.parametrize(("left", "reserve"), [(30.0, 0.05), (0.2, 0.02), (0.01, 0.002)])
async def test_a_use_case_gets_less_than_its_caller_waits(left: float, reserve: float):
    """Law: a tenth, between 2 and 50 ms, stays for sending the answer."""
    made = call(None)
    made.due = time.monotonic() + left
    assert made.seconds_left() <= left - reserve

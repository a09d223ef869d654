"""How long calls wait for a busy server, and when they don't."""

import asyncio

import pytest
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.patience import Patience
from gaveld.transport.rest.failures import RpcFailure, refusal

PASSING = ("SERVER_OVERLOADED", "RATE_LIMIT_EXCEEDED", "TARGET_UNREACHABLE", "SERVER_NOT_READY")


def turned_away(reason: str = "SERVER_OVERLOADED", seconds: float | None = 0.5) -> RpcFailure:
    return refusal(code_pb2.RESOURCE_EXHAUSTED, reason, "Later.", retry_after_seconds=seconds)


class Attempts:
    """Fails so many times and then succeeds; remembers the pauses in between."""

    def __init__(self, *failures: RpcFailure) -> None:
        self.failures = list(failures)
        self.made = 0
        self.pauses: list[float] = []

    async def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("reason", PASSING)
async def test_a_busy_server_is_waited_for(reason: str):
    """Law: what passes by itself is repeated, after the time asked for, then longer ones."""
    attempts = Attempts(*(turned_away(reason) for _ in range(6)))
    patience = Patience(pause=attempts.pause)
    assert await patience.call(attempts, None) == "done"
    assert attempts.pauses == [0.5, 1, 2, 4, 4, 4]


@pytest.mark.parametrize(
    "failure",
    [
        turned_away("INSUFFICIENT_CREDITS", None),
        turned_away("MESSAGE_TOO_LARGE", 0.5),
        turned_away("SERVER_OVERLOADED", None),
        turned_away("SERVER_OVERLOADED", 31.0),
        refusal(code_pb2.UNAUTHENTICATED, "API_KEY_INVALID", "No."),
    ],
)
async def test_what_waiting_does_not_mend_is_told_at_once(failure: RpcFailure):
    """Law: no other failure is repeated, nor one whose time is beyond what may be waited."""
    attempts = Attempts(failure)
    with pytest.raises(RpcFailure) as raised:
        await Patience(pause=attempts.pause).call(attempts, None)
    assert raised.value is failure
    assert (attempts.made, attempts.pauses) == (1, [])


@pytest.mark.parametrize(("most", "timeout_seconds"), [(3.0, None), (30.0, 3.0)])
async def test_waiting_has_an_end(most: float, timeout_seconds: float | None):
    """Law: together the pauses are no longer than is allowed, or than the caller waits."""
    attempts = Attempts(*(turned_away() for _ in range(99)))
    with pytest.raises(RpcFailure) as raised:
        await Patience(most, pause=attempts.pause).call(attempts, timeout_seconds)
    assert raised.value.reason == "SERVER_OVERLOADED"
    assert attempts.pauses == [0.5, 1]


async def test_only_so_many_wait():
    """Law: when as many wait as may, the next is turned away; a place that is free is taken."""
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def pause(_: float) -> None:
        arrived.set()
        await gate.wait()

    patience = Patience(max_waiting=1, pause=pause)
    first = asyncio.create_task(patience.call(Attempts(turned_away()), None))
    await arrived.wait()
    with pytest.raises(RpcFailure):
        await patience.call(Attempts(turned_away()), None)
    gate.set()
    assert await first == "done"
    assert await patience.call(Attempts(turned_away()), None) == "done"


async def test_the_callers_time_ends_a_call():
    """Law: a call that takes longer than its caller waits is cancelled, and says so."""
    cancelled = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(RpcFailure) as raised:
        await Patience().call(never, 0.01)
    assert raised.value.status.code == code_pb2.DEADLINE_EXCEEDED
    assert cancelled.is_set()

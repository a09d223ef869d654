"""Who gets a place, in which order, and that no place is ever lost."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gaveld.transport.grpc.call import Call, Method, Received
from gaveld.transport.grpc.errors import RefusedError
from gaveld.transport.grpc.interceptors.admission import Admission

METHOD = Method("/s/M", "s", "M", "unary", "moderate")


def of_size(size_bytes: int) -> Call:
    """Make a call whose message has this size."""
    received = Received(None, size_bytes)
    return cast("Call", SimpleNamespace(method=METHOD, received=received))


CALL = of_size(10)


def admission(
    *, running: int = 1, waiting: int = 1, seconds: float = 60, max_bytes: int = 1_000
) -> Admission:
    """Make an open admission."""
    made = Admission(
        max_concurrent_calls=running,
        max_waiting_calls=waiting,
        max_wait_seconds=seconds,
        max_bytes_in_flight=max_bytes,
    )
    made.open()
    return made


async def begun(door: Admission, call: Call = CALL) -> asyncio.Task[None]:
    """Begin to ask for a place, as far as that goes without waiting."""
    task = asyncio.create_task(door.before(call))
    await asyncio.wait([task], timeout=0)
    return task


async def test_places_are_given_first_come_first_served():
    """Law: who waits longest goes next."""
    door = admission(running=1, waiting=3)
    await door.before(CALL)
    waiting = [await begun(door) for _ in range(3)]
    for index, task in enumerate(waiting):
        assert [entry.done() for entry in waiting] == [i < index for i in range(3)]
        door.after(CALL)
        await task


async def test_a_call_that_leaves_the_line_frees_it_for_the_next():
    """Law: a caller who goes away while waiting takes nobody's place."""
    door = admission()
    await door.before(CALL)
    leaver = await begun(door)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    stayer = await begun(door)
    assert not stayer.done()
    door.after(CALL)
    await stayer


async def test_a_place_granted_to_a_caller_who_just_left_is_passed_on():
    """Law: a grant and a cancel in the same moment lose no place."""
    door = admission(waiting=2)
    await door.before(CALL)
    leaver, stayer = await begun(door), await begun(door)
    door.after(CALL)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    await stayer


async def test_a_place_freed_as_its_waiter_is_cancelled_goes_to_the_next():
    """Law: a cancel and a grant in the same moment lose no place either."""
    door = admission(waiting=2)
    await door.before(CALL)
    leaver, stayer = await begun(door), await begun(door)
    leaver.cancel()
    door.after(CALL)
    with pytest.raises(asyncio.CancelledError):
        await leaver
    await stayer


async def test_whoever_waited_too_long_is_refused_and_costs_no_place():
    """Law: after the wait comes a refusal, and all places are there afterwards."""
    door = admission(seconds=0.001)
    await door.before(CALL)
    with pytest.raises(RefusedError) as caught:
        await door.before(CALL)
    assert caught.value.refusal.reason == "SERVER_OVERLOADED"
    door.after(CALL)
    await door.before(CALL)


async def test_those_turned_away_together_do_not_return_together():
    """Law: refusals spread their callers' retries."""
    door = admission(waiting=0)
    await door.before(CALL)
    delays = set()
    for _ in range(16):
        with pytest.raises(RefusedError) as caught:
            await door.before(CALL)
        delays.add(caught.value.refusal.retry_after_seconds)
    assert len(delays) == 16


async def test_messages_in_flight_are_bounded_together():
    """Law: places are free, but a message that would take the sum over its bound is shed."""
    door = admission(running=10, max_bytes=100)
    await door.before(of_size(60))
    with pytest.raises(RefusedError) as caught:
        await door.before(of_size(41))
    assert caught.value.refusal.reason == "SERVER_OVERLOADED"
    await door.before(of_size(40))
    assert door.is_full()
    door.after(of_size(60))
    assert not door.is_full()
    await door.before(of_size(60))


async def test_a_message_alone_gets_in_however_large():
    """Law: the bound sheds load; it is no limit on a message, which has its own."""
    door = admission(running=2, max_bytes=100)
    await door.before(of_size(500))
    assert door.is_full()
    door.after(of_size(500))
    await door.before(CALL)


async def test_calls_that_wait_count_with_their_messages_until_they_leave():
    """Law: who waits holds memory; who leaves the line, or waited too long, holds none."""
    door = admission(running=1, waiting=5, max_bytes=100)
    await door.before(of_size(50))
    leaver = await begun(door, of_size(50))
    assert door.is_full()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert not door.is_full()
    stayer = await begun(door, of_size(50))
    door.after(of_size(50))
    await stayer


@pytest.mark.parametrize("kind", ["bidi_stream", "unary"])
async def test_a_place_that_was_given_back_early_is_given_back_once(kind: str):
    """Law: a call that vacates its place lets others in, and its end frees no second one."""
    door = admission(running=1, waiting=1, max_bytes=20)
    method = Method("/s/S", "s", "S", kind, "moderate")
    call = Call(method, cast("Any", None), {}, Received(None, 15), asyncio.timeout(None))
    await door.before(call)
    call.vacate()
    await door.before(CALL)
    waiting = await begun(door)
    door.after(call)
    assert not (await begun_now(waiting))
    door.after(CALL)
    await waiting


async def begun_now(task: asyncio.Task[None]) -> bool:
    """Tell whether a task is done after all others had a turn."""
    await asyncio.wait([task], timeout=0)
    return task.done()


async def test_pieces_of_streams_stand_in_the_same_line():
    """Law: a place for a piece of work is one of the server's, waited for and shed like a call."""
    door = admission(running=1, waiting=1)
    await door.before(CALL)

    async def piece() -> None:
        async with door.place():
            worked.append(True)

    worked: list[bool] = []
    first = asyncio.create_task(piece())
    assert not await begun_now(first)
    with pytest.raises(RefusedError) as caught:
        await piece()
    assert caught.value.refusal.reason == "SERVER_OVERLOADED"
    door.after(CALL)
    await first
    assert worked == [True]
    async with door.place():
        pass

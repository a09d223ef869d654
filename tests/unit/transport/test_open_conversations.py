"""How long streams may last, and how many there may be."""

import asyncio
from functools import partial

import pytest

from gaveld.transport.grpc.errors import RefusedError
from gaveld.transport.grpc.open_conversations import (
    FINISHING_SECONDS,
    OpenConversations,
    TimeIsUpError,
)


def streams(**changes: float) -> OpenConversations:
    """Return room for streams."""
    limits = {"max_open": 10, "max_open_per_project": 10, "max_age_seconds": 60} | changes
    return OpenConversations(**limits)


async def forever() -> None:
    """Wait for nothing."""
    await asyncio.Event().wait()


async def test_a_drain_ends_listening_at_once_and_work_within_the_grace():
    """Law: who waits for a message hears of the drain now; who works, when most of it is over."""
    open_ = streams()
    with open_.opened("a", None) as idle, open_.opened("a", None) as busy:
        waits = asyncio.create_task(idle.listening(forever))
        works = asyncio.create_task(busy.working(forever))
        await asyncio.wait([waits, works], timeout=0)
        open_.end(grace_seconds=0.1)
        with pytest.raises(TimeIsUpError):
            await waits
        assert not works.done()
        with pytest.raises(TimeIsUpError):
            await works
        with pytest.raises(TimeIsUpError):
            await busy.listening(partial(asyncio.sleep, 0, "a message that is there"))


async def test_a_stream_that_is_opened_in_a_drain_ends_with_it():
    """Law: nobody slips in behind the drain."""
    open_ = streams()
    open_.end(grace_seconds=60)
    with open_.opened("a", None) as late, pytest.raises(TimeIsUpError):
        await late.listening(forever)


async def test_an_old_stream_finishes_what_it_began():
    """Law: at its greatest age a stream listens no longer, and has a while for its last turn."""
    open_ = streams(max_age_seconds=0.01)
    with open_.opened("a", None) as stream:
        with pytest.raises(TimeIsUpError):
            await stream.listening(forever)
        assert await stream.working(partial(asyncio.sleep, 0.01, "done")) == "done"
        assert stream.due - asyncio.get_running_loop().time() > FINISHING_SECONDS / 2


async def test_a_deadline_ends_both():
    """Law: when the caller's time is up nothing is waited for, nor worked on."""
    open_ = streams()
    with open_.opened("a", 0.01) as stream:
        with pytest.raises(TimeIsUpError):
            await stream.working(forever)
        with pytest.raises(TimeIsUpError):
            await stream.listening(forever)


async def test_a_failure_of_the_work_is_its_own():
    """Law: a timeout inside of the work is not the stream's end."""
    with streams().opened("a", 60) as stream, pytest.raises(TimeoutError):
        await stream.working(_out_of_time)


async def _out_of_time() -> None:
    raise TimeoutError


async def test_limits_count_what_is_open():
    """Law: each project has its limit and all have one; an end makes room, also by an exception."""
    open_ = streams(max_open=2, max_open_per_project=1)
    with open_.opened("a", None):
        with pytest.raises(RefusedError) as caught, open_.opened("a", None):
            pass
        assert caught.value.refusal.message.startswith("The project")
        with open_.opened("b", None):
            with pytest.raises(RefusedError) as caught, open_.opened("c", None):
                pass
            assert caught.value.refusal.message.startswith("The server")
        with pytest.raises(KeyError), open_.opened("b", None):
            raise KeyError
        with open_.opened("c", None):
            pass
    assert not open_._of_project

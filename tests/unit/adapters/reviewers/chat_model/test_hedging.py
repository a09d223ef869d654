"""Two runs of one piece of work, and which of them counts."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gaveld.adapters.reviewers.chat_model.hedging import hedged

Run = Callable[[], Coroutine[Any, Any, str]]


class Runs:
    """Work whose runs are told one by one what to do; it counts those that were cancelled."""

    def __init__(self, *runs: Run) -> None:
        self.left = list(runs)
        self.begun = 0
        self.cancelled = 0

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return await self.left.pop(0)()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def forever() -> str:
    await asyncio.Event().wait()
    return "never"


async def fails() -> str:
    raise ValueError("first")


async def fails_otherwise() -> str:
    raise KeyError("second")


def after(event: asyncio.Event, run: Run) -> Run:
    async def waiting() -> str:
        await event.wait()
        return await run()

    return waiting


def saying(word: str) -> Run:
    async def run() -> str:
        return word

    return run


async def test_the_second_run_may_overtake_the_first():
    """Law: the first result counts, and what is slower is cancelled."""
    work = Runs(forever, saying("second"))
    assert await hedged(work, 0.0, lambda: True) == "second"
    assert (work.begun, work.cancelled) == (2, 1)


async def test_a_fast_run_is_alone():
    """Law: what is answered in time is asked once."""
    work = Runs(saying("first"))
    assert await hedged(work, 60.0, lambda: True) == "first"
    assert work.begun == 1


async def test_without_leave_there_is_no_second_run():
    """Law: a full endpoint is not asked twice."""
    event = asyncio.Event()
    work = Runs(after(event, saying("first")))
    asking = asyncio.create_task(hedged(work, 0.0, lambda: event.set() or False))
    assert await asking == "first"
    assert work.begun == 1


async def test_one_failure_leaves_the_other_its_chance():
    """Law: the second failing at once does not end the first."""
    begun = asyncio.Event()

    async def fails_and_tells() -> str:
        begun.set()
        return await fails()

    work = Runs(after(begun, saying("first")), fails_and_tells)
    assert await hedged(work, 0.0, lambda: True) == "first"


async def test_of_two_failures_the_first_runs_is_raised():
    """Law: both failing is a failure."""
    begun = asyncio.Event()

    async def fails_and_tells() -> str:
        begun.set()
        return await fails_otherwise()

    with pytest.raises(ValueError, match="first"):
        await hedged(Runs(after(begun, fails), fails_and_tells), 0.0, lambda: True)


async def test_a_cancelled_caller_cancels_both():
    """Law: nobody works for someone who has gone."""
    both = asyncio.Event()

    async def second() -> str:
        both.set()
        return await forever()

    work = Runs(forever, second)
    asking = asyncio.create_task(hedged(work, 0.0, lambda: True))
    await both.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert work.cancelled == 2

"""Asks a second time when the first answer is slow, and takes whichever comes first."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")
Work = Callable[[], Coroutine[Any, Any, ResultT]]


async def hedged(
    work: Work[ResultT], after_seconds: float | None, may_ask_twice: Callable[[], bool]
) -> ResultT:
    """Return the first result of one or two runs of ``work``; what is left is cancelled.

    The second run begins when the first has taken ``after_seconds`` (None: never) and
    ``may_ask_twice`` allows it. A run that fails leaves the other its chance; if both fail, the
    first failure is raised. If the caller is cancelled, so are they.
    """
    if after_seconds is None:
        return await work()
    runs = [asyncio.create_task(work())]
    try:
        await asyncio.wait(runs, timeout=after_seconds)
        if not runs[0].done() and may_ask_twice():
            runs.append(asyncio.create_task(work()))
        return await _first_success(runs)
    finally:
        await _cancelled(runs)


async def _first_success(runs: list[asyncio.Task[ResultT]]) -> ResultT:
    pending = set(runs)
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for run in runs:
            if run.done() and run.exception() is None:
                return run.result()
    return runs[0].result()


async def _cancelled(runs: list[asyncio.Task[ResultT]]) -> None:
    late = [run for run in runs if not run.done()]
    for run in late:
        run.cancel()
    if late:
        await asyncio.wait(late)
    for run in late:
        if not run.cancelled():
            run.exception()  # seen, so that asyncio does not log it

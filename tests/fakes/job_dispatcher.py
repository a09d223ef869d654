"""A ``JobDispatcher`` in memory that shows what workers said of each word."""

import asyncio
from collections.abc import Sequence


class FakeTicket:
    """Word of one job."""

    def __init__(self, dispatcher: "FakeJobDispatcher", job_id: str) -> None:
        self.job_count = 1
        self._job_id = job_id
        self._dispatcher = dispatcher

    async def working(self) -> None:
        self._dispatcher.said.append(("working", self._job_id))

    async def done(self) -> None:
        self._dispatcher.said.append(("done", self._job_id))

    async def give_back(self, seconds: float) -> None:
        self._dispatcher.said.append(("give_back", self._job_id, seconds))
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, self._dispatcher.words.put_nowait, self._job_id)


class FakeJobDispatcher:
    """``said`` is what workers said, in order: the method, the job and the seconds.

    One that ``loses_all`` tells nobody of anything.
    """

    def __init__(self, *, loses_all: bool = False) -> None:
        self.loses_all = loses_all
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.said: list[tuple[object, ...]] = []

    async def publish(self, job_ids: Sequence[str]) -> None:
        for job_id in () if self.loses_all else job_ids:
            self.words.put_nowait(job_id)

    async def next(self, timeout_seconds: float) -> FakeTicket | None:
        if not self.words.empty():
            return FakeTicket(self, self.words.get_nowait())
        try:
            async with asyncio.timeout(timeout_seconds):
                return FakeTicket(self, await self.words.get())
        except TimeoutError:
            return None

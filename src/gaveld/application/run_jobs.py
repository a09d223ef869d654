"""Takes the jobs that wait, as many at once as there is room for, and has each attempted.

What an attempt is, ``job_attempts`` says; where jobs are kept and who tells of them, the ports.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Iterable, Sequence

from gaveld.application.failures import place_of
from gaveld.application.job_attempts import WIND_UP_SECONDS, Attempts
from gaveld.application.ports import JobDispatcher, JobStore, Ticket
from gaveld.domain.errors import Unavailable
from gaveld.domain.jobs import Lease

_log = logging.getLogger(__name__)


class RunJobs:
    """Works on jobs from ``run`` until ``drain``.

    ``worker`` names this process in the store, ``concurrency`` is how many jobs are attempted at
    once. The store is looked into every ``poll_seconds`` even without word.
    """

    def __init__(
        self,
        jobs: JobStore,
        dispatcher: JobDispatcher,
        attempts: Attempts,
        *,
        worker: str,
        concurrency: int,
        poll_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._attempts = attempts
        self._worker = worker
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._leaving = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()
        self._reaches_store = True

    async def run(self) -> None:
        """Take jobs and have them attempted until ``drain`` is called; no failure ends it."""
        has_more = False
        while not self._leaving.is_set():
            while len(self._working) >= self._concurrency:
                await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)
            words = [] if has_more else await self._words()
            leases = None if self._leaving.is_set() else await self._leases(words)
            if leases is None or self._leaving.is_set():
                await self._give_back(leases or (), words)
                has_more = False
                continue
            self._begin(leases, words)
            await _say(word.done() for word in words[len(leases) :])
            has_more = bool(leases) and not any(word.job_count for word in words)

    async def drain(self, grace_seconds: float) -> None:
        """Take no more, let what is in progress end within the grace, and give the rest back.

        Cancelled, it gives the rest back at once. What can't be given back in time is cut off,
        and free when its lease is over.
        """
        self._leaving.set()
        try:
            await self._wait_for_all(grace_seconds)
        finally:
            self._attempts.give_up()
            await self._wait_for_all(WIND_UP_SECONDS)
            for attempt in self._working:
                attempt.cancel()
            await self._wait_for_all(WIND_UP_SECONDS)

    async def _wait_for_all(self, seconds: float) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=seconds)

    @property
    def _room(self) -> int:
        return self._concurrency - len(self._working)

    async def _words(self) -> list[Ticket]:
        """Return the words that there are, as far as there is room; none if none comes in time."""
        words: list[Ticket] = []
        seconds = self._poll_seconds
        while len(words) < self._room:
            word = await self._unless_leaving(self._dispatcher.next(seconds))
            if word is None:
                break
            words.append(word)
            if not word.job_count:
                break
            seconds = 0.0
        return words

    async def _unless_leaving(self, waiting: Awaitable[Ticket | None]) -> Ticket | None:
        told = asyncio.ensure_future(waiting)
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait({told, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # whoever is cancelled here leaves nobody to take a word and not answer it
            leaving.cancel()
            if told.cancel():
                await asyncio.wait({told})
        return None if told.cancelled() else told.result()

    async def _leases(self, words: Sequence[Ticket]) -> Sequence[Lease] | None:
        """Return what there is to do; None if the store can't say."""
        limit = sum(word.job_count for word in words) or self._room
        try:
            leases = await self._jobs.lease(
                self._worker, limit=limit, seconds=self._attempts.plan.lease_seconds
            )
        except Exception as failure:  # noqa: BLE001 (whatever it is, jobs must be taken again)
            self._store_is(failure)
            await self._unless_leaving(asyncio.sleep(self._poll_seconds))
            return None
        self._store_is(None)
        return leases

    async def _give_back(self, leases: Sequence[Lease], words: Sequence[Ticket]) -> None:
        for lease in leases:
            with contextlib.suppress(Unavailable):  # else it is free when the lease is over
                await self._jobs.release(lease)
        await _say(word.give_back(0.0) for word in words)

    def _begin(self, leases: Sequence[Lease], words: Sequence[Ticket]) -> None:
        tickets = (*words, *[None] * len(leases))
        for lease, ticket in zip(leases, tickets, strict=False):
            task = asyncio.create_task(self._attempts.make(lease, ticket))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    def _store_is(self, failure: Exception | None) -> None:
        if self._reaches_store == (failure is None):
            return
        self._reaches_store = failure is None
        if failure is None:
            _log.info("jobs can be taken again")
        else:
            cause = failure.__cause__ or failure
            _log.error("jobs can't be taken", extra={"cause": place_of(cause)})


async def _say(saying: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*saying)

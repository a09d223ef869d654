"""Tidies up behind the workers: tells of jobs that nobody heard of, erases what had its time.

Every server may do it at once: whatever one has done, the others find done.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gaveld.application.failures import place_of
from gaveld.application.ports import JobDispatcher, JobStore, StripWords, Telemetry

Chore = Callable[[datetime], Awaitable[int]]
"""Does some more tidying as of now, and returns how much there was to do."""

AT_ONCE: Final = 500
"""How many rows are erased in one transaction."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """How often it sweeps, and what is old.

    Jobs are told of again when nobody took them for ``told_again_seconds``; final ones are erased
    ``keep_jobs_seconds`` after they were created.
    """

    every_seconds: float = 15.0
    told_again_seconds: float = 30.0
    told_again_at_once: int = 1000
    keep_jobs_seconds: float = 30 * 86_400.0


class SweepJobs:
    """Sweeps the store of jobs; ``chores`` are what else there is to tidy up in the storage."""

    def __init__(
        self,
        jobs: JobStore,
        dispatcher: JobDispatcher,
        telemetry: Telemetry,
        *,
        strip_words: StripWords,
        plan: SweepPlan,
        chores: Sequence[Chore] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._telemetry = telemetry
        self._strip_words = strip_words
        self._plan = plan
        self._clock = clock
        self._leaving = asyncio.Event()
        self._tasks: tuple[Chore, ...] = (
            self._tell_again,
            self._count,
            self._erase_words,
            self._erase_jobs,
            *chores,
        )

    async def run(self) -> None:
        """Sweep again and again until ``stop``, and end what is being written then."""
        while not self._leaving.is_set():
            await self.sweep()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), self._plan.every_seconds)

    def stop(self) -> None:
        """Begin nothing more."""
        self._leaving.set()

    async def sweep(self) -> None:
        """Sweep once. What fails is logged and keeps nothing else from being done."""
        for task in self._tasks:
            if self._leaving.is_set():
                return
            try:
                await task(self._clock())
            except Exception as failure:  # noqa: BLE001 (the next sweep tries it again)
                name = getattr(task, "__qualname__", type(task).__name__)
                cause = place_of(failure.__cause__ or failure)
                _log.error("a sweep failed", extra={"task": name, "cause": cause})

    async def _tell_again(self, now: datetime) -> int:
        older_than = now - timedelta(seconds=self._plan.told_again_seconds)
        job_ids = await self._jobs.waiting(
            older_than=older_than, limit=self._plan.told_again_at_once
        )
        await self._dispatcher.publish(job_ids)
        return len(job_ids)

    async def _count(self, now: datetime) -> int:
        counts = await self._jobs.counts(now)
        oldest = counts.oldest_due_at or now
        self._telemetry.jobs_counted(counts, max(0.0, (now - oldest).total_seconds()))
        return 1

    async def _erase_words(self, now: datetime) -> int:
        erased = 0
        while swept := await self._jobs.erase_words(now, self._wordless, limit=AT_ONCE):
            erased += swept
        return erased

    def _wordless(self, answer: bytes) -> bytes:
        """Return an answer without its words; nothing of one that can't be read.

        Else that one would keep the words of all that come after it.
        """
        try:
            return self._strip_words(answer)
        except Exception as failure:  # noqa: BLE001 (whatever is in it, its time is over)
            _log.error("an unreadable answer is erased", extra={"cause": place_of(failure)})
            return b""

    async def _erase_jobs(self, now: datetime) -> int:
        before = now - timedelta(seconds=self._plan.keep_jobs_seconds)
        erased = 0
        while swept := await self._jobs.erase(before=before, limit=AT_ONCE):
            erased += swept
        return erased

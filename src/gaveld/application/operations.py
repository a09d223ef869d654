"""Tells a project how far its work is, waits for it and cancels it. Others do it."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from gaveld.application.ports import BacktestProgress, JobPage, JobStore
from gaveld.domain.errors import ErrorReason, NotFound
from gaveld.domain.jobs import Job, JobKind, JobState

FIRST_LOOK_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
Kinds = Collection[JobKind]
EVERY: Final = frozenset(JobKind)
MOST_WAITING: Final = 256
"""How many may wait at once: each looks into the store now and then."""


class Operations:
    """The jobs of projects, as whoever asked for the work sees them.

    ``kinds`` are the sorts of work that the caller may see; others are as absent as what never was.
    ``progress`` knows how far backtests are; None leaves that out. Once ``leaving`` is set, nobody
    waits for long.
    """

    def __init__(
        self,
        jobs: JobStore,
        progress: BacktestProgress | None = None,
        leaving: asyncio.Event | None = None,
    ) -> None:
        self._jobs = jobs
        self._progress = progress
        self._leaving = leaving or asyncio.Event()
        self._waiting = 0

    async def get(self, project: str, job_id: str, kinds: Kinds = EVERY) -> Job:
        """Return a job. Raises ``NotFound`` (RESOURCE_NOT_FOUND) unless it is the project's."""
        job = _found(await self._jobs.find(project, job_id), job_id, kinds)
        if self._progress is None or job.kind is not JobKind.BACKTEST or job.state.is_final:
            return job
        return replace(job, steps=await self._progress.find(job_id))

    async def list(
        self, project: str, *, state: JobState | None, limit: int, token: str, kinds: Kinds = EVERY
    ) -> JobPage:
        """Return a page of the project's jobs, newest first; see ``JobStore.list``.

        A page is shorter, and may be empty, where others of its jobs are not for the caller.
        """
        page = await self._jobs.list(project, state=state, limit=limit, token=token)
        return replace(page, jobs=[job for job in page.jobs if job.kind in kinds])

    async def wait(self, project: str, job_id: str, seconds: float, kinds: Kinds = EVERY) -> Job:
        """Return a job when it is final, or as it is after ``seconds``; raises as ``get``.

        Where too many wait already, it is returned at once.
        """
        ends = time.monotonic() + seconds
        pause = FIRST_LOOK_SECONDS
        job = await self.get(project, job_id, kinds)
        if self._waiting >= MOST_WAITING:
            return job
        self._waiting += 1
        try:
            while not job.state.is_final and (left := ends - time.monotonic()) > 0:
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                job = await self.get(project, job_id, kinds)
                if self._leaving.is_set():
                    break
        finally:
            self._waiting -= 1
        return job

    async def cancel(self, project: str, job_id: str, kinds: Kinds = EVERY) -> Job:
        """Cancel a job unless it is final, and return it as it is then; raises as ``get``."""
        _found(await self._jobs.find(project, job_id), job_id, kinds)
        return _found(await self._jobs.cancel(project, job_id), job_id, kinds)


def _found(job: Job | None, job_id: str, kinds: Kinds) -> Job:
    if job is None or job.kind not in kinds:
        raise NotFound(
            ErrorReason.RESOURCE_NOT_FOUND,
            "The project has no such operation.",
            metadata={"resource": f"operations/{job_id}"},
        )
    return job

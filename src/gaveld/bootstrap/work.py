"""Puts together what goes on beside serving: workers, the sweeper and the sending of callbacks.

It runs in ``gavel serve`` and in ``gavel worker`` alike.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import structlog

from gaveld.adapters.storage.journal import EmptyJournal
from gaveld.application.count_reviews import CountReviews
from gaveld.application.deliver_callbacks import DeliverCallbacks
from gaveld.application.failures import place_of
from gaveld.application.job_attempts import AttemptPlan, Attempts, JobHandler
from gaveld.application.run_jobs import RunJobs
from gaveld.application.sweep_jobs import Chore, SweepJobs, SweepPlan
from gaveld.bootstrap.callbacks import build_deliver_callbacks
from gaveld.bootstrap.contents import build_content_path
from gaveld.bootstrap.decisions import erase_overdue, run_backtest
from gaveld.bootstrap.parts import Parts
from gaveld.bootstrap.review_queue import review_item_store
from gaveld.domain.jobs import JobKind
from gaveld.transport.grpc.converters.content import ContentMessages

DAY_SECONDS: Final = 86_400.0
POLL_BESIDE_NATS_SECONDS: Final = 5.0
"""How often the storage is looked into where NATS carries the word."""
AGAIN_SECONDS: Final = 1.0
"""How long to wait before a part that failed is begun again."""

_log = structlog.get_logger(__name__)


class BackgroundWork:
    """What goes on from ``start`` until ``drain``, which sets ``leaving``.

    A part that ends by a fault that it did not foresee is logged and begun again.
    """

    def __init__(
        self,
        run_jobs: RunJobs | None,
        sweep: SweepJobs,
        deliver: DeliverCallbacks | None,
        leaving: asyncio.Event,
    ) -> None:
        self._leaving = leaving
        self._run_jobs = run_jobs
        self._sweep = sweep
        self._deliver = deliver
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        parts = (self._sweep, self._run_jobs, self._deliver)
        self._tasks = [
            asyncio.create_task(self._keep_going(part)) for part in parts if part is not None
        ]

    async def drain(self, grace_seconds: float) -> None:
        """Take nothing new, let what is in progress end within the grace, and stop. Idempotent.

        Cancelled, it stops at once.
        """
        self._leaving.set()
        if not self._tasks:
            return
        self._sweep.stop()
        if self._deliver is not None:
            self._deliver.stop()
        drains: list[Awaitable[object]] = [asyncio.wait(self._tasks, timeout=grace_seconds)]
        if self._run_jobs is not None:
            drains.append(self._run_jobs.drain(grace_seconds))
        try:
            await asyncio.gather(*drains)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []

    async def _keep_going(self, part: SweepJobs | RunJobs | DeliverCallbacks) -> None:
        while not self._leaving.is_set():
            try:
                await part.run()
            except Exception as failure:  # noqa: BLE001 (nobody would see that it has ended)
                cause = place_of(failure.__cause__ or failure)
                _log.error("background work failed", part=type(part).__name__, cause=cause)
            else:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), AGAIN_SECONDS)


def build_work(parts: Parts, stack: AsyncExitStack) -> BackgroundWork:
    """Return what is to go on in this process. It starts nothing. Raises ``SettingsError``."""
    wanted = parts.settings.work
    attempts = Attempts(
        parts.jobs,
        job_handlers(parts),
        parts.telemetry,
        AttemptPlan(
            lease_seconds=wanted.lease_seconds,
            max_seconds=wanted.max_job_seconds,
            attempts=wanted.attempts,
            retry_seconds=wanted.retry_seconds,
            max_retry_seconds=wanted.max_retry_seconds,
        ),
    )
    has_nats = parts.settings.nats.url is not None
    run_jobs = RunJobs(
        parts.jobs,
        parts.dispatcher,
        attempts,
        worker=f"{socket.gethostname()}:{os.getpid()}"[:128],
        concurrency=wanted.workers,
        poll_seconds=POLL_BESIDE_NATS_SECONDS if has_nats else wanted.poll_seconds,
    )
    sweep = SweepJobs(
        parts.jobs,
        parts.dispatcher,
        parts.telemetry,
        strip_words=ContentMessages().without_words,
        plan=SweepPlan(
            every_seconds=wanted.sweep_seconds,
            keep_jobs_seconds=wanted.keep_jobs_days * DAY_SECONDS,
        ),
        chores=chores(parts),
    )
    deliver = build_deliver_callbacks(
        parts.settings, parts.deliveries, parts.telemetry.registry, stack
    )
    return BackgroundWork(run_jobs if wanted.workers else None, sweep, deliver, parts.leaving)


def job_handlers(parts: Parts) -> Mapping[JobKind, JobHandler]:
    """Return who does each kind of job."""
    return {
        JobKind.CONTENT: build_content_path(parts).decide_stored,
        JobKind.BACKTEST: run_backtest(parts),
    }


def chores(parts: Parts) -> Sequence[Chore]:
    """Return what else there is to tidy up in the storage."""
    count_reviews = CountReviews(review_item_store(parts), parts.telemetry)
    return (erase_overdue(parts), count_reviews, EmptyJournal(parts.engine))

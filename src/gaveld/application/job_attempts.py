"""Makes one attempt at a job: does the work while its lease is held, and keeps what came of it.

Of all attempts at a job one is kept, whichever worker made it. What the work is, its handler knows.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gaveld.application.failures import place_of
from gaveld.application.ports import JobStore, Telemetry, Ticket
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import (
    Aborted,
    DeadlineExceeded,
    ErrorReason,
    GavelError,
    ResourceExhausted,
    Unavailable,
)
from gaveld.domain.jobs import Job, JobKind, JobOutcome, Lease

Result = tuple[bytes, Records]
JobHandler = Callable[[Job], Awaitable[Result]]
"""Does one kind of work and returns its answer and what is to be written with it.

It writes nothing itself, for it may be done more than once until one attempt is kept. A
``GavelError`` that a repeat can't mend ends the job at once; after any other failure it is tried
again. It is cancelled when its job is.
"""

FAILED: Final = "The server failed; its log has the cause under the operation's name."
BEGUN_TOO_OFTEN: Final = "It was begun {} times and never came to an end."
EXTENSIONS_A_LEASE: Final = 3
"""How often a lease is extended before it would run out, so that one lost try loses no job."""
FINISH_AGAIN_SECONDS: Final = 0.5
WIND_UP_SECONDS: Final = 5.0
"""How long work may take to end once it is cancelled."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """How long attempts may take, and how many there are.

    Who doesn't extend a lease for ``lease_seconds`` has lost it. The pauses between ``attempts``
    double from ``retry_seconds`` up to ``max_retry_seconds``.
    """

    lease_seconds: float = 60.0
    max_seconds: float = 900.0
    attempts: int = 5
    retry_seconds: float = 2.0
    max_retry_seconds: float = 300.0

    def pause_seconds(self, attempt_count: int, asked_seconds: float | None) -> float:
        """Return how long to wait after so many attempts, at least as long as was asked for.

        Up to half of it is left to chance, so that jobs that failed together come apart.
        """
        doubled = self.retry_seconds * 2.0 ** min(attempt_count - 1, 30)
        pause = min(doubled, self.max_retry_seconds) * random.uniform(0.5, 1.0)  # noqa: S311
        return max(pause, asked_seconds or 0.0)


class Attempts:
    """Makes attempts at jobs; several at once."""

    def __init__(
        self,
        jobs: JobStore,
        handlers: Mapping[JobKind, JobHandler],
        telemetry: Telemetry,
        plan: AttemptPlan,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.plan = plan
        self._jobs = jobs
        self._handlers = handlers
        self._telemetry = telemetry
        self._clock = clock
        self._doing: set[asyncio.Task[Result]] = set()

    async def make(self, lease: Lease, word: Ticket | None = None) -> None:
        """Attempt a leased job and settle what came of it; never raises for what fails.

        ``word`` is told while the work goes on, and when it is settled.
        """
        started = time.monotonic()
        try:
            settled = await self._settled(lease, word)
        except Exception as failure:  # noqa: BLE001 (when the lease runs out, another tries)
            self._log_failure("an attempt at a job was not settled", lease.job, failure)
            settled = _Settled(JobOutcome.LOST, again_in_seconds=self.plan.lease_seconds)
        self._telemetry.job_attempted(lease.job.kind, settled.outcome, time.monotonic() - started)
        if word is None:
            return
        if settled.again_in_seconds is None:
            await word.done()
        else:
            await word.give_back(settled.again_in_seconds)

    def give_up(self) -> None:
        """Cancel all work that is in progress, whose jobs are then given back."""
        for doing in self._doing:
            doing.cancel()

    async def _settled(self, lease: Lease, word: Ticket | None) -> "_Settled":
        if lease.job.attempt_count > self.plan.attempts:  # those before must have killed workers
            message = BEGUN_TOO_OFTEN.format(self.plan.attempts)
            return await self._dead(lease, ErrorReason.INTERNAL, message)
        doing = asyncio.create_task(self._do(lease.job))
        self._doing.add(doing)
        doing.add_done_callback(self._ended)
        try:
            return await self._settled_when_done(doing, lease, word)
        finally:
            if doing.cancel():  # whatever ended this, work that nobody watches doesn't go on
                await asyncio.wait({doing}, timeout=WIND_UP_SECONDS)

    async def _settled_when_done(
        self, doing: asyncio.Task[Result], lease: Lease, word: Ticket | None
    ) -> "_Settled":
        if not await self._is_held_until_done(doing, lease, word):
            return _Settled(JobOutcome.LOST)
        if doing.cancelled():
            is_released = await self._jobs.release(lease)
            return _Settled(JobOutcome.RELEASED if is_released else JobOutcome.LOST, 0.0)
        failure = doing.exception()
        if failure is not None:
            return await self._failed(lease, failure)
        answer, records = doing.result()
        try:
            is_kept = await self._finish(lease, answer, records)
        except Unavailable:
            raise  # nobody knows what is kept, and nothing else could be
        except Exception as unwritten:  # noqa: BLE001 (what comes of the work may be at fault)
            return await self._failed(lease, unwritten)
        return _Settled(JobOutcome.DONE if is_kept else JobOutcome.LOST)

    def _ended(self, doing: asyncio.Task[Result]) -> None:
        self._doing.discard(doing)
        if not doing.cancelled():
            doing.exception()  # which is nobody's any more where the work was broken off

    async def _do(self, job: Job) -> Result:
        try:
            async with asyncio.timeout(self.plan.max_seconds):
                return await self._handlers[job.kind](job)
        except TimeoutError as error:
            raise DeadlineExceeded(
                ErrorReason.DEADLINE_EXCEEDED, "The work took longer than it may."
            ) from error

    async def _is_held_until_done(
        self, doing: asyncio.Task[Result], lease: Lease, word: Ticket | None
    ) -> bool:
        while True:
            await asyncio.wait({doing}, timeout=self.plan.lease_seconds / EXTENSIONS_A_LEASE)
            if doing.done():
                return True
            if not await self._is_extended(lease):
                return False
            if word is not None:
                await word.working()

    async def _is_extended(self, lease: Lease) -> bool:
        try:
            return await self._jobs.extend(lease, self.plan.lease_seconds)
        except Unavailable:
            return True  # as far as is known; if it is lost, the end is refused

    async def _finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.plan.lease_seconds
        while True:
            try:
                return await self._jobs.finish(lease, answer, records)
            except Unavailable:  # it may be done all the same, and is then refused: that is fine
                if loop.time() >= ends:
                    raise
            await asyncio.sleep(FINISH_AGAIN_SECONDS)

    async def _failed(self, lease: Lease, failure: BaseException) -> "_Settled":
        job = lease.job
        reason, message, asked_seconds = ErrorReason.INTERNAL, FAILED, None
        if isinstance(failure, GavelError):
            reason, message = failure.reason, failure.message
            asked_seconds = failure.retry_after_seconds
        else:
            self._log_failure("an attempt at a job failed", job, failure)
        if not _is_mendable(failure) or job.attempt_count >= self.plan.attempts:
            return await self._dead(lease, reason, message)
        seconds = self.plan.pause_seconds(job.attempt_count, asked_seconds)
        retry_at = self._clock() + timedelta(seconds=seconds)
        if not await self._jobs.fail(lease, reason.value, message, retry_at=retry_at):
            return _Settled(JobOutcome.LOST)
        return _Settled(JobOutcome.RETRIED, seconds)

    async def _dead(self, lease: Lease, reason: ErrorReason, message: str) -> "_Settled":
        if not await self._jobs.fail(lease, reason.value, message, retry_at=None):
            return _Settled(JobOutcome.LOST)
        _log.warning("a job is dead", extra={"job": lease.job.id, "reason": reason.value})
        return _Settled(JobOutcome.DEAD)

    def _log_failure(self, event: str, job: Job, failure: BaseException) -> None:
        cause = place_of(failure.__cause__ or failure)
        _log.error(event, extra={"job": job.id, "attempt": job.attempt_count, "cause": cause})


@dataclass(frozen=True, slots=True)
class _Settled:
    """What came of an attempt, and in how long there will be another; None if there is none."""

    outcome: JobOutcome
    again_in_seconds: float | None = None


def _is_mendable(failure: BaseException) -> bool:
    """Whether the same work may go well another time, without anybody doing something."""
    match failure:
        case Unavailable() | DeadlineExceeded() | Aborted():
            return True
        case ResourceExhausted():
            return failure.retry_after_seconds is not None
        case _:
            return not isinstance(failure, GavelError)

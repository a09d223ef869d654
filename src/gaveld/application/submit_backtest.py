"""Takes a backtest as a job, and does it in a worker. What is tried, ``backtest`` says."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from gaveld.application.backtest import BacktestPlan, BacktestPolicy
from gaveld.application.ports import BacktestProgress, JobDispatcher, JobStore
from gaveld.domain.backtests import BacktestReport
from gaveld.domain.decision_records import Records
from gaveld.domain.jobs import Job, JobKind, Steps


class BacktestPapers(Protocol):
    """Reads and writes the wire's forms of backtests, which nobody else looks into."""

    def read(self, project: str, payload: bytes) -> BacktestPlan:
        """Return what is to be tried."""
        ...

    def answer(self, report: BacktestReport) -> bytes:
        """Return the answer that says so."""
        ...


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """A backtest to be done: what is stored of it, and the digest of what was asked, for repeats.

    The policy in ``payload`` is complete and checked, and holds no secret.
    """

    project: str
    request_id: str
    payload: bytes = field(repr=False)
    asked_sha256: bytes


class SubmitBacktest:
    """The use case behind ``BacktestPolicy``."""

    def __init__(self, jobs: JobStore, dispatcher: JobDispatcher) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher

    async def __call__(self, request: BacktestRequest) -> Job:
        """Store the work and return its job, or the one that it repeats.

        Raises ``AlreadyExists`` (REQUEST_ID_REUSED), and ``Unavailable``.
        """
        at = datetime.now(UTC)
        job = Job(
            id=uuid.uuid4().hex,
            project=request.project,
            kind=JobKind.BACKTEST,
            request_id=request.request_id,
            payload_sha256=request.asked_sha256,
            created_at=at,
            updated_at=at,
            payload=request.payload,
        )
        kept = await self._jobs.add(job)
        if kept.id == job.id:
            await self._dispatcher.publish([job.id])
        return kept


class RunBacktest:
    """The ``JobHandler`` of backtests: tries what was stored, and tells how far it is."""

    def __init__(
        self, backtest: BacktestPolicy, papers: BacktestPapers, progress: BacktestProgress
    ) -> None:
        self._backtest = backtest
        self._papers = papers
        self._progress = progress

    async def __call__(self, job: Job) -> tuple[bytes, Records]:
        """Return the answer; nothing else is written."""

        async def tell(tried: int, total: int) -> None:
            await self._progress.put(job.id, Steps(tried, total))

        report = await self._backtest(self._papers.read(job.project, job.payload), tell)
        return self._papers.answer(report), Records()

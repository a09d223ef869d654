"""Ports of work that is done later: where it is kept, and how workers hear of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.domain.decision_records import Records
from gaveld.domain.jobs import Job, JobState, Lease
from gaveld.domain.review_items import ReviewItem


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first, and where the next page begins; empty after the last."""

    jobs: Sequence[Job]
    next_token: str = ""


StripWords = Callable[[bytes], bytes]
"""Takes an answer and returns it without the words of the content that it quotes."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How much work waits, is being done and is dead, and since when the oldest could be done.

    ``oldest_due_at`` is None where nothing waits.
    """

    waiting: int = 0
    running: int = 0
    dead: int = 0
    oldest_due_at: datetime | None = None


class JobStore(Protocol):
    """Keeps jobs durably: they are the truth, whatever else carries word of them.

    A write is on disk when its call returns, whole or not at all. A job that was cancelled or is
    dead doesn't keep its content from being submitted again. Raises ``Unavailable``
    (STORAGE_UNAVAILABLE) when jobs can't be reached.
    """

    async def add(self, job: Job, review_item: ReviewItem | None = None) -> Job:
        """Keep a new job, and the item that waits for it, or return the job that it repeats.

        A repeat has the request id, or the content id and hash, of a job of its project. Raises
        ``AlreadyExists`` (REQUEST_ID_REUSED) where that id was used for another payload.
        """
        ...

    async def add_done(self, job: Job, records: Records) -> Job:
        """Keep a job that was done before it was kept, with its records; or return the repeated.

        Of a repeat nothing is written.
        """
        ...

    async def find(self, project: str | None, job_id: str) -> Job | None:
        """Return the project's job, or with None anybody's; None if there is no such one."""
        ...

    async def find_repeated(self, job: Job) -> Job | None:
        """Return the job that adding this one would repeat; raises as ``add`` does."""
        ...

    async def list(
        self,
        project: str | None = None,
        *,
        state: JobState | None = None,
        limit: int = 100,
        token: str = "",
    ) -> JobPage:
        """Return a page of jobs without payloads, newest first, of one project or all."""
        ...

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Lease]:
        """Take up to ``limit`` jobs that wait, or whose lease ran out, and count an attempt.

        No job is leased to two. A flood of one project's jobs
        keeps no other project waiting; within a project the higher priority goes first, then what
        could be done for longer.
        """
        ...

    async def extend(self, lease: Lease, seconds: float) -> bool:
        """Hold on for so long from now; False if the lease was lost or the job is final."""
        ...

    async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        """Mark the job done and write its records, in one transaction; the payload is erased.

        The answer's words have their time, the policy's where the decision keeps the content.
        False, and nothing is written, if the lease was lost or the job was cancelled.
        """
        ...

    async def fail(
        self, lease: Lease, reason: str, message: str, *, retry_at: datetime | None
    ) -> bool:
        """Give the job back to be tried again then, or with None mark it dead. False if lost."""
        ...

    async def release(self, lease: Lease) -> bool:
        """Give the job back as if it had not been taken, attempt and all. False if lost."""
        ...

    async def cancel(self, project: str, job_id: str) -> Job | None:
        """Cancel a job unless it is final, and return it as it is then; None if there is none."""
        ...

    async def requeue(self, job_id: str) -> Job | None:
        """Let a dead job be tried anew, and return it; None if there is no such dead job.

        None too where its content was submitted again since, which is judged under that job.
        """
        ...

    async def waiting(self, *, older_than: datetime, limit: int) -> Sequence[str]:
        """Return ids of jobs that could be leased since before then, for those who lost word.

        No project's flood keeps those of the others out.
        """
        ...

    async def counts(self, now: datetime) -> JobCounts:
        """Return how much work there is, of all projects."""
        ...

    async def erase_words(self, now: datetime, strip: StripWords, *, limit: int) -> int:
        """Take the words out of up to ``limit`` answers whose time is over; return how many."""
        ...

    async def erase(self, *, before: datetime, limit: int) -> int:
        """Erase up to ``limit`` final jobs that were created before then; return how many."""
        ...


class Ticket(Protocol):
    """Word that there is work; which it is, the store knows."""

    @property
    def job_count(self) -> int:
        """How many jobs to take for this word; 0 means as many as there are."""
        ...

    async def working(self) -> None:
        """Say that the work goes on, so that nobody else is told of it yet."""
        ...

    async def done(self) -> None:
        """Say that the work is committed, or needs no more word."""
        ...

    async def give_back(self, seconds: float) -> None:
        """Ask to be told again after so long."""
        ...


class JobDispatcher(Protocol):
    """Carries word of new jobs to workers, here or on other machines. It may lose any of it.

    No method raises for want of a connection; what is lost is found again in the store.
    """

    async def publish(self, job_ids: Sequence[str]) -> None:
        """Tell workers of jobs that were committed."""
        ...

    async def next(self, timeout_seconds: float) -> Ticket | None:
        """Return the next word, for this caller alone; None after so long without any."""
        ...

"""Workers: that every job is taken, as many at once as there is room for, and that they stop."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from gaveld.adapters.queue.local import LocalJobDispatcher
from gaveld.application.job_attempts import AttemptPlan, Attempts
from gaveld.application.ports import JobDispatcher, JobStore
from gaveld.application.run_jobs import RunJobs
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.jobs import Job, JobKind, JobState, Lease
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.fakes.jobs import FakeJobStore
from tests.fakes.telemetry import FakeTelemetry
from tests.jobs import a_job, records_of

CONCURRENCY = 4


class Work:
    """A handler that waits until it is let, and knows how much goes on at once."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, job: Job) -> tuple[bytes, Records]:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.let.wait()
        finally:
            self.at_once -= 1
        return b"answer", records_of(job)


@asynccontextmanager
async def working(jobs: JobStore, dispatcher: JobDispatcher, handler: Work, *, poll: float = 0.01):
    runner = RunJobs(
        jobs,
        dispatcher,
        Attempts(jobs, {JobKind.CONTENT: handler}, FakeTelemetry(), AttemptPlan()),
        worker="one",
        concurrency=CONCURRENCY,
        poll_seconds=poll,
    )
    running = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.drain(0)
        await running


async def turn() -> None:
    """Let every task that can go on do so once."""
    await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await turn()


def all_done(jobs: FakeJobStore) -> bool:
    return all(job.state is JobState.DONE for job in jobs.jobs.values())


async def add(jobs: FakeJobStore, dispatcher: JobDispatcher, count: int) -> Sequence[Job]:
    added = [await jobs.add(a_job()) for _ in range(count)]
    await dispatcher.publish([job.id for job in added])
    return added


async def test_every_job_is_done_once_and_every_word_settled():
    """Law: as many jobs go on at once as may, all are done, and all words are done with."""
    jobs, dispatcher, work = FakeJobStore(), FakeJobDispatcher(), Work()
    async with working(jobs, dispatcher, work, poll=60):
        await add(jobs, dispatcher, 25)
        await until(lambda: work.at_once == CONCURRENCY)
        work.let.set()
        await until(lambda: all_done(jobs))
    assert work.most_at_once == CONCURRENCY
    assert work.begun == 25
    assert sorted(said for said, *_ in dispatcher.said) == ["done"] * 25


async def test_jobs_are_found_without_a_word():
    """Law: when every word is lost, the store is looked into, until it has nothing more."""
    jobs, dispatcher, work = FakeJobStore(), FakeJobDispatcher(loses_all=True), Work()
    work.let.set()
    async with working(jobs, dispatcher, work):
        await add(jobs, dispatcher, 25)
        await until(lambda: all_done(jobs))
    assert work.begun == 25


async def test_words_of_jobs_that_others_did_are_done_with():
    """Law: a word for which there is no job any more keeps nobody busy."""
    jobs, dispatcher, work = FakeJobStore(), FakeJobDispatcher(), Work()
    work.let.set()
    async with working(jobs, dispatcher, work, poll=60):
        await dispatcher.publish(["gone", "gone too"])
        await add(jobs, dispatcher, 1)
        await until(lambda: all_done(jobs) and len(dispatcher.said) == 3)


async def test_at_a_stop_nothing_new_is_begun_and_what_goes_on_may_end():
    """Law: draining takes no more jobs, and waits for those in progress within the grace."""
    jobs, dispatcher, work = FakeJobStore(), LocalJobDispatcher(), Work()
    async with working(jobs, dispatcher, work) as runner:
        await add(jobs, dispatcher, CONCURRENCY + 3)
        await until(lambda: work.at_once == CONCURRENCY)
        draining = asyncio.create_task(runner.drain(30))
        await turn()
        work.let.set()
        await draining
    states = [job.state for job in jobs.jobs.values()]
    assert states.count(JobState.DONE) == work.begun == CONCURRENCY
    assert states.count(JobState.WAITING) == 3


async def test_what_does_not_end_in_time_is_given_back():
    """Law: after the grace jobs wait again for another worker, with all their attempts."""
    jobs, dispatcher, work = FakeJobStore(), LocalJobDispatcher(), Work()
    async with working(jobs, dispatcher, work) as runner:
        await add(jobs, dispatcher, CONCURRENCY)
        await until(lambda: work.at_once == CONCURRENCY)
        await runner.drain(0.01)
    assert work.at_once == 0
    assert {(job.state, job.attempt_count) for job in jobs.jobs.values()} == {(JobState.WAITING, 0)}


async def test_a_drain_that_is_cut_short_gives_everything_back():
    """Law: whoever waits no longer, as at a second signal, leaves no attempt going on."""
    jobs, dispatcher, work = FakeJobStore(), LocalJobDispatcher(), Work()
    async with working(jobs, dispatcher, work) as runner:
        await add(jobs, dispatcher, CONCURRENCY)
        await until(lambda: work.at_once == CONCURRENCY)
        draining = asyncio.create_task(runner.drain(3_600))
        await turn()
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
        assert work.at_once == 0
        states = {(job.state, job.attempt_count) for job in jobs.jobs.values()}
        assert states == {(JobState.WAITING, 0)}


class NeverFinishing(FakeJobStore):
    """A store that never says whether it has written."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        raise AssertionError


async def test_what_can_not_be_given_back_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    """Law: when the drain is over nobody waits for a store that is about to be closed."""
    monkeypatch.setattr("gaveld.application.run_jobs.WIND_UP_SECONDS", 0.0)
    jobs, dispatcher, work = NeverFinishing(), LocalJobDispatcher(), Work()
    work.let.set()
    async with working(jobs, dispatcher, work) as runner:
        await add(jobs, dispatcher, 1)
        async with asyncio.timeout(30):
            await jobs.asked.wait()
            await runner.drain(0)
            await jobs.left.wait()


async def test_a_worker_that_is_cut_off_leaves_nobody_waiting_for_words():
    """Law: no task of its own outlives it, which would take a word that nobody answers."""
    dispatcher, work = FakeJobDispatcher(), Work()
    before = asyncio.all_tasks()
    runner = RunJobs(
        FakeJobStore(),
        dispatcher,
        Attempts(FakeJobStore(), {JobKind.CONTENT: work}, FakeTelemetry(), AttemptPlan()),
        worker="one",
        concurrency=CONCURRENCY,
        poll_seconds=3_600,
    )
    running = asyncio.create_task(runner.run())
    await until(lambda: len(asyncio.all_tasks() - before) == 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: asyncio.all_tasks() <= before)


class AwayAtFirst(FakeJobStore):
    """A store that can't be reached some times."""

    times_away = 3

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Lease]:
        if self.times_away:
            self.times_away -= 1
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "Away.")
        return await super().lease(worker, limit=limit, seconds=seconds)


async def test_a_store_that_was_away_is_asked_again(caplog):
    """Law: whatever happens to the store, workers go on, and say once that it is away."""
    jobs, dispatcher, work = AwayAtFirst(), FakeJobDispatcher(), Work()
    work.let.set()
    with caplog.at_level("INFO"):
        async with working(jobs, dispatcher, work):
            await add(jobs, dispatcher, 5)
            await until(lambda: all_done(jobs))
    said = [record.message for record in caplog.records]
    assert said == ["jobs can't be taken", "jobs can be taken again"]


async def test_words_are_not_lost_while_the_store_is_away():
    """Law: a word that could not be acted on is told again, and needs no look into the store."""
    jobs, dispatcher, work = AwayAtFirst(), FakeJobDispatcher(), Work()
    work.let.set()
    async with working(jobs, dispatcher, work):
        await add(jobs, dispatcher, 1)
        await until(lambda: all_done(jobs) and ("done" in {said[0] for said in dispatcher.said}))
    assert [said[0] for said in dispatcher.said] == ["give_back"] * 3 + ["done"]


class SlowToLease(FakeJobStore):
    """A store that takes its time to give out jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def lease(self, worker: str, *, limit: int, seconds: float) -> Sequence[Lease]:
        self.asked.set()
        await self.let.wait()
        return await super().lease(worker, limit=limit, seconds=seconds)


async def test_what_is_taken_in_the_moment_of_the_stop_is_given_back():
    """Law: a job that comes too late is begun by nobody here, and waits as if it had not come."""
    jobs, dispatcher, work = SlowToLease(), FakeJobDispatcher(), Work()
    async with working(jobs, dispatcher, work) as runner:
        await add(jobs, dispatcher, 1)
        await jobs.asked.wait()
        await runner.drain(1)
        jobs.let.set()
    (job,) = jobs.jobs.values()
    assert (job.state, job.attempt_count, work.begun) == (JobState.WAITING, 0, 0)
    assert [said[0] for said in dispatcher.said] == ["give_back"]

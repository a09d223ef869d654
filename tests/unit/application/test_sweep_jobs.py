"""The sweeper: that nothing stays lost, and nothing is kept beyond its time."""

import asyncio
from datetime import datetime

from gaveld.application.ports import JobCounts
from gaveld.application.sweep_jobs import Chore, SweepJobs, SweepPlan
from gaveld.domain.errors import ErrorReason, Unavailable
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.fakes.jobs import FakeJobStore
from tests.fakes.telemetry import FakeTelemetry
from tests.jobs import Clock, a_job, records_of

PLAN = SweepPlan(told_again_seconds=30, keep_jobs_seconds=86_400)


def wordless(answer: bytes) -> bytes:
    if answer == b"unreadable":
        raise ValueError("a secret")
    return b"wordless"


class House:
    """A store, and a sweeper over it."""

    def __init__(self, *chores: Chore) -> None:
        self.clock = Clock()
        self.jobs = FakeJobStore(clock=self.clock)
        self.dispatcher = FakeJobDispatcher()
        self.telemetry = FakeTelemetry()
        self.sweep_jobs = SweepJobs(
            self.jobs,
            self.dispatcher,
            self.telemetry,
            strip_words=wordless,
            plan=PLAN,
            chores=chores,
            clock=self.clock,
        )

    async def sweep(self) -> None:
        await self.sweep_jobs.sweep()

    async def finish_one(self, answer: bytes = b"words") -> str:
        (lease,) = await self.jobs.lease("one", limit=1, seconds=60)
        assert await self.jobs.finish(lease, answer, records_of(lease.job))
        return lease.job.id


async def test_jobs_that_nobody_heard_of_are_told_again():
    """Law: a job that nobody took in time is told again, and again, until somebody takes it."""
    house = House()
    await house.jobs.add(a_job())
    await house.sweep()
    assert house.dispatcher.words.empty()
    house.clock.pass_seconds(31)
    await house.sweep()
    await house.sweep()
    assert house.dispatcher.words.qsize() == 2
    await house.finish_one()
    await house.sweep()
    assert house.dispatcher.words.qsize() == 2


async def test_a_job_whose_worker_died_is_told_again():
    """Law: a lease that ran out is as good as no lease."""
    house = House()
    await house.jobs.add(a_job())
    await house.jobs.lease("dead", limit=1, seconds=60)
    house.clock.pass_seconds(80)
    await house.sweep()
    assert house.dispatcher.words.empty()
    house.clock.pass_seconds(20)
    await house.sweep()
    assert house.dispatcher.words.qsize() == 1


async def test_work_is_counted_and_the_oldest_timed():
    """Law: gauges show how much there is, and for how long the oldest could have been done."""
    house = House()
    await house.sweep()
    await house.jobs.add(a_job())
    house.clock.pass_seconds(12)
    await house.jobs.add(a_job(at=house.clock.now))
    await house.sweep()
    nothing, some = house.telemetry.counts
    assert nothing == (JobCounts(), 0.0)
    assert (some[0].waiting, some[1]) == (2, 12.0)


async def test_what_had_its_time_is_erased():
    """Law: words after an hour, jobs after their days; all of them in one sweep."""
    house = House()
    for _ in range(3):
        await house.jobs.add(a_job())
        await house.finish_one()
    house.clock.pass_seconds(3_601)
    await house.sweep()
    assert {job.answer for job in house.jobs.jobs.values()} == {b"wordless"}
    house.clock.pass_seconds(86_400)
    await house.sweep()
    assert house.jobs.jobs == {}


async def test_an_answer_that_can_not_be_read_keeps_no_words(caplog):
    """Law: nothing is kept beyond its time, whatever it is, nor keeps others beyond theirs."""
    house = House()
    answers = {}
    for answer in (b"unreadable", b"words"):
        await house.jobs.add(a_job())
        answers[await house.finish_one(answer)] = b"" if answer == b"unreadable" else b"wordless"
    house.clock.pass_seconds(3_601)
    await house.sweep()
    assert {job.id: job.answer for job in house.jobs.jobs.values()} == answers
    (record,) = caplog.records
    assert record.message == "an unreadable answer is erased"
    assert record.cause.startswith("ValueError")
    assert "secret" not in caplog.text


async def test_what_fails_keeps_nothing_else_from_being_done(caplog):
    """Law: one chore's failure is logged without its words, and the next is done."""
    done: list[datetime] = []

    async def failing(_: datetime) -> int:
        raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "Away.") from OSError("a secret")

    async def working(now: datetime) -> int:
        done.append(now)
        return 1

    house = House(failing, working)
    await house.sweep()
    assert done == [house.clock.now]
    (record,) = caplog.records
    assert record.message == "a sweep failed"
    assert record.cause.startswith("OSError")
    assert "secret" not in caplog.text


async def test_a_stop_ends_what_is_being_done_and_begins_nothing():
    """Law: a sweep is never cut off in the middle of a write, and a stop waits for no next one."""
    begun, may_end, done = asyncio.Event(), asyncio.Event(), []

    async def slow(_: datetime) -> int:
        begun.set()
        await may_end.wait()
        done.append("slow")
        return 0

    async def next_one(_: datetime) -> int:
        done.append("next")
        return 0

    house = House(slow, next_one)
    sweeping = asyncio.create_task(house.sweep_jobs.run())
    async with asyncio.timeout(30):
        await begun.wait()
        house.sweep_jobs.stop()
        may_end.set()
        await sweeping
    assert done == ["slow"]

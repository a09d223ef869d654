"""Attempts at jobs: what is kept, what is tried again, and what is given up."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gaveld.application.job_attempts import AttemptPlan, Attempts
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import (
    DeadlineExceeded,
    ErrorReason,
    FailedPrecondition,
    FieldViolation,
    GavelError,
    InvalidRequest,
    ResourceExhausted,
    Unavailable,
)
from gaveld.domain.jobs import Job, JobKind, JobOutcome, JobState, Lease
from tests.fakes.job_dispatcher import FakeJobDispatcher, FakeTicket
from tests.fakes.jobs import FakeJobStore
from tests.fakes.telemetry import FakeTelemetry
from tests.jobs import Clock, a_job, records_of

Handler = Callable[[Job], Awaitable[tuple[bytes, Records]]]


async def judge(job: Job) -> tuple[bytes, Records]:
    """Do the work, and do it well."""
    return b"answer", records_of(job)


def failing(failure: Exception) -> Handler:
    async def fail(_: Job) -> tuple[bytes, Records]:
        raise failure

    return fail


@dataclass
class House:
    """A store with one job, and what attempts at it do."""

    plan: AttemptPlan = field(default_factory=AttemptPlan)
    handler: Handler = judge

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.jobs = FakeJobStore(clock=self.clock)
        self.telemetry = FakeTelemetry()
        self.dispatcher = FakeJobDispatcher()
        self.attempts = Attempts(
            self.jobs, {JobKind.CONTENT: self._handle}, self.telemetry, self.plan, self.clock
        )

    async def _handle(self, job: Job) -> tuple[bytes, Records]:
        return await self.handler(job)

    async def lease(self) -> Lease:
        if not self.jobs.jobs:
            await self.jobs.add(a_job())
        (lease,) = await self.jobs.lease("one", limit=1, seconds=self.plan.lease_seconds)
        return lease

    async def word(self) -> FakeTicket:
        await self.dispatcher.publish(["word"])
        ticket = await self.dispatcher.next(0)
        assert ticket is not None
        return ticket

    @property
    def job(self) -> Job:
        (job,) = self.jobs.jobs.values()
        return job

    @property
    def outcomes(self) -> list[JobOutcome]:
        return [outcome for _, outcome in self.telemetry.attempts]


async def test_what_was_done_is_kept_with_its_records():
    """Law: answer and records are written together, and the word is done then."""
    house = House()
    await house.attempts.make(await house.lease(), await house.word())
    assert (house.job.state, house.job.answer) == (JobState.DONE, b"answer")
    assert house.jobs.records == {house.job.id: [records_of(house.job)]}
    assert house.outcomes == [JobOutcome.DONE]
    assert house.dispatcher.said == [("done", "word")]


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("a secret word"),
        Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "Away."),
        DeadlineExceeded(ErrorReason.DEADLINE_EXCEEDED, "Too slow."),
        ResourceExhausted(ErrorReason.SERVER_OVERLOADED, "Full.", retry_after_seconds=1),
    ],
)
async def test_what_may_go_well_another_time_is_tried_again(failure: Exception, caplog):
    """Law: it waits for its pause, with its payload, and its word comes again then."""
    house = House(handler=failing(failure))
    await house.attempts.make(await house.lease(), await house.word())
    assert (house.job.state, house.job.payload) == (JobState.WAITING, b"what is asked")
    assert house.outcomes == [JobOutcome.RETRIED]
    ((said, _, seconds),) = house.dispatcher.said
    assert said == "give_back"
    assert 1.0 <= seconds <= 2.0
    assert await house.jobs.lease("one", limit=1, seconds=1) == []
    house.clock.pass_seconds(seconds)
    assert (await house.lease()).job.attempt_count == 2
    assert "secret" not in house.job.error_message + caplog.text


@pytest.mark.parametrize(
    "failure",
    [
        InvalidRequest(FieldViolation("fields.body", "is missing")),
        FailedPrecondition(ErrorReason.MEDIA_FETCH_FAILED, "Nothing came."),
        ResourceExhausted(ErrorReason.INSUFFICIENT_CREDITS, "The balance is empty."),
    ],
)
async def test_what_no_repeat_can_mend_is_dead_at_once(failure: GavelError):
    """Law: it is tried once, says why, and keeps its payload for whoever tries it anew."""
    house = House(handler=failing(failure))
    await house.attempts.make(await house.lease(), await house.word())
    job = house.job
    assert (job.state, job.attempt_count) == (JobState.DEAD, 1)
    assert (job.error_reason, job.error_message) == (failure.reason.value, failure.message)
    assert job.payload == b"what is asked"
    assert house.outcomes == [JobOutcome.DEAD]
    assert house.dispatcher.said == [("done", "word")]


async def test_a_job_is_tried_so_often_and_then_is_dead():
    """Law: the last attempt that fails is the end, and says why."""
    house = House(AttemptPlan(attempts=3), failing(RuntimeError()))
    for _ in range(3):
        await house.attempts.make(await house.lease())
        house.clock.pass_seconds(3_600)
    assert (house.job.state, house.job.error_reason) == (JobState.DEAD, "INTERNAL")
    assert house.outcomes == [JobOutcome.RETRIED, JobOutcome.RETRIED, JobOutcome.DEAD]


async def test_a_job_that_kills_its_workers_is_dead_in_time():
    """Law: attempts that came to no end count too, so that no job kills workers for ever."""
    house = House(AttemptPlan(attempts=2))
    for _ in range(2):
        await house.lease()  # and its worker is gone
        house.clock.pass_seconds(house.plan.lease_seconds + 1)
    lease = await house.lease()

    async def never(_: Job) -> tuple[bytes, Records]:
        raise AssertionError("was begun once more")

    house.handler = never
    await house.attempts.make(lease)
    assert house.job.state is JobState.DEAD
    assert "begun 2 times" in house.job.error_message


async def test_what_takes_too_long_is_stopped():
    """Law: an attempt has its time; then it is cancelled and another is made later."""
    stopped = asyncio.Event()

    async def hang(_: Job) -> tuple[bytes, Records]:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    house = House(AttemptPlan(max_seconds=0.01), hang)
    await house.attempts.make(await house.lease())
    assert stopped.is_set()
    assert house.outcomes == [JobOutcome.RETRIED]
    assert house.job.error_reason == "DEADLINE_EXCEEDED"


async def test_a_lease_is_extended_while_the_work_goes_on():
    """Law: long work keeps its job and its word, however short the lease."""
    house = House(AttemptPlan(lease_seconds=0.03))
    lease, word = await house.lease(), await house.word()
    enough = asyncio.Event()

    async def long(job: Job) -> tuple[bytes, Records]:
        await enough.wait()
        return await judge(job)

    house.handler = long
    making = asyncio.create_task(house.attempts.make(lease, word))
    while house.dispatcher.said.count(("working", "word")) < 3:
        house.clock.pass_seconds(0.01)
        assert await house.jobs.lease("another", limit=1, seconds=1) == []
        await asyncio.wait([making], timeout=0.005)
    enough.set()
    await making
    assert house.outcomes == [JobOutcome.DONE]


async def test_work_ends_when_its_job_is_cancelled():
    """Law: whoever works on a cancelled job stops at the next extension, and nothing is kept."""
    house = House(AttemptPlan(lease_seconds=0.03))
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(_: Job) -> tuple[bytes, Records]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    house.handler = hang
    making = asyncio.create_task(house.attempts.make(await house.lease(), await house.word()))
    await begun.wait()
    await house.jobs.cancel("shop", house.job.id)
    await making
    assert ended.is_set()
    assert house.job.state is JobState.CANCELLED
    assert house.outcomes == [JobOutcome.LOST]
    assert house.jobs.records == {}
    assert house.dispatcher.said[-1] == ("done", "word")


class ExtendingNothing(FakeJobStore):
    """A store that fails by a fault of its own when a lease is extended."""

    async def extend(self, lease: Lease, seconds: float) -> bool:
        raise RuntimeError("a secret word")


async def test_work_ends_when_its_lease_can_not_be_extended(caplog):
    """Law: no work goes on unwatched, whatever the store raises, and none of its ends is lost."""
    begun, ended, unheard = asyncio.Event(), asyncio.Event(), []

    async def fail_at_the_end(_: Job) -> tuple[bytes, Records]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            raise RuntimeError("a secret word")

    house = House(AttemptPlan(lease_seconds=0.03))
    house.jobs = ExtendingNothing(clock=house.clock)
    handlers = {JobKind.CONTENT: fail_at_the_end}
    house.attempts = Attempts(house.jobs, handlers, house.telemetry, house.plan, house.clock)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(context["message"]))
    await house.attempts.make(await house.lease(), await house.word())
    assert begun.is_set()
    assert ended.is_set()
    assert house.outcomes == [JobOutcome.LOST]
    assert house.dispatcher.said == [("give_back", "word", house.plan.lease_seconds)]
    gc.collect()
    assert unheard == []
    assert "secret" not in caplog.text


async def test_work_ends_when_its_attempt_is_cut_off():
    """Law: whoever cancels an attempt cancels its work, and has it ended."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(_: Job) -> tuple[bytes, Records]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    house = House(handler=hang)
    making = asyncio.create_task(house.attempts.make(await house.lease()))
    await begun.wait()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert ended.is_set()


async def test_what_another_worker_has_is_not_kept():
    """Law: whoever finishes after its lease was taken over writes nothing."""
    house = House()

    async def slow(job: Job) -> tuple[bytes, Records]:
        house.clock.pass_seconds(house.plan.lease_seconds + 1)
        (lease,) = await house.jobs.lease("another", limit=1, seconds=60)
        assert lease.job.id == job.id
        return await judge(job)

    house.handler = slow
    await house.attempts.make(await house.lease())
    assert house.outcomes == [JobOutcome.LOST]
    assert house.jobs.records == {}
    assert house.job.state is JobState.RUNNING


async def test_who_gives_up_gives_jobs_back():
    """Law: work that is broken off costs no attempt, and its word goes to the next at once."""
    house = House()
    begun = asyncio.Event()

    async def hang(_: Job) -> tuple[bytes, Records]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.handler = hang
    making = asyncio.create_task(house.attempts.make(await house.lease(), await house.word()))
    await begun.wait()
    house.attempts.give_up()
    await making
    assert (house.job.state, house.job.attempt_count) == (JobState.WAITING, 0)
    assert house.outcomes == [JobOutcome.RELEASED]
    assert house.dispatcher.said == [("give_back", "word", 0.0)]


class DoneByAnother(FakeJobStore):
    """A store whose first answer to a finished job is lost on the way."""

    is_away = True

    async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
        kept = await super().finish(lease, answer, records)
        if self.is_away:
            self.is_away = False
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "Away.")
        return kept


async def test_a_job_whose_end_was_not_heard_of_is_done_once(monkeypatch):
    """Law: when nobody knows whether it was written, it is asked again, and not done again."""
    monkeypatch.setattr("gaveld.application.job_attempts.FINISH_AGAIN_SECONDS", 0.0)
    house = House()
    house.jobs = DoneByAnother(clock=house.clock)
    house.attempts = Attempts(
        house.jobs, {JobKind.CONTENT: judge}, house.telemetry, house.plan, house.clock
    )
    await house.attempts.make(await house.lease(), await house.word())
    assert house.job.state is JobState.DONE
    assert len(house.jobs.records[house.job.id]) == 1
    assert house.dispatcher.said == [("done", "word")]


async def test_a_record_that_can_not_be_written_is_a_failed_attempt():
    """Law: what fails while the end is written is tried again like any other failure."""

    class Refusing(FakeJobStore):
        async def finish(self, lease: Lease, answer: bytes, records: Records) -> bool:
            raise ValueError("not to be written")

    house = House()
    house.jobs = Refusing(clock=house.clock)
    house.attempts = Attempts(
        house.jobs, {JobKind.CONTENT: judge}, house.telemetry, house.plan, house.clock
    )
    await house.attempts.make(await house.lease())
    assert house.outcomes == [JobOutcome.RETRIED]
    assert house.job.state is JobState.WAITING


def test_pauses_double_up_to_the_longest():
    """Law: each pause is twice the one before, half of it by chance, and never less than asked."""
    plan = AttemptPlan(retry_seconds=2.0, max_retry_seconds=60.0)
    for attempt, most in ((1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (2_000, 60.0)):
        for _ in range(20):
            assert most / 2 <= plan.pause_seconds(attempt, None) <= most
    assert plan.pause_seconds(1, 90.0) == 90.0
    assert timedelta(seconds=plan.pause_seconds(2_000, None)) <= timedelta(minutes=1)

"""What becomes of calls that are made again under one request id."""

import asyncio
from dataclasses import replace

import pytest

from gaveld.application.repeats import Asked, Repeats
from gaveld.domain.errors import AlreadyExists, ErrorReason
from tests.fakes.answers import FakeAnswerStore

ASKED = Asked("shop", "order-17", b"a" * 32)


class Work:
    """Work that ends when a test says so, and counts how often it was begun."""

    def __init__(self, *, is_open: bool = True, failure: Exception | None = None) -> None:
        self.begun = self.cancelled = 0
        self.gate, self.started, self.failure = asyncio.Event(), asyncio.Event(), failure
        if is_open:
            self.gate.set()

    async def __call__(self) -> bytes:
        self.begun += 1
        number = self.begun
        self.started.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return f"answer {number}".encode()


def calls(repeats: Repeats, work: Work, number: int) -> list[asyncio.Task[bytes]]:
    """Begin so many equal calls."""
    return [asyncio.create_task(repeats.answer(ASKED, work)) for _ in range(number)]


async def cancelled(call: asyncio.Task[bytes]) -> None:
    """Cancel a call, and wait until it is gone."""
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_repeat_is_given_the_same_answer():
    """Law: what was answered is answered again, and the work is done once."""
    repeats, work = Repeats(FakeAnswerStore()), Work()
    assert [await repeats.answer(ASKED, work) for _ in range(3)] == [b"answer 1"] * 3
    assert work.begun == 1


async def test_a_repeat_in_flight_waits_for_the_first():
    """Law: calls that come while the first is in progress join it."""
    repeats, work = Repeats(FakeAnswerStore()), Work(is_open=False)
    waiting = calls(repeats, work, 3)
    await work.started.wait()
    work.gate.set()
    assert await asyncio.gather(*waiting) == [b"answer 1"] * 3
    assert work.begun == 1


@pytest.mark.parametrize("other", [{"project": "forum"}, {"request_id": "order-18"}])
async def test_an_id_is_one_projects(other: dict[str, str]):
    """Law: another project's call, and one under another id, is another call."""
    repeats, work = Repeats(FakeAnswerStore()), Work()
    assert await repeats.answer(ASKED, work) == b"answer 1"
    assert await repeats.answer(replace(ASKED, **other), work) == b"answer 2"


@pytest.mark.parametrize("is_in_flight", [True, False])
async def test_an_id_means_one_thing(is_in_flight: bool):
    """Law: something else under the id is refused by name, and leaves the first alone."""
    repeats, work = Repeats(FakeAnswerStore()), Work(is_open=not is_in_flight)
    (first,) = calls(repeats, work, 1)
    await work.started.wait()
    if not is_in_flight:
        await first
    with pytest.raises(AlreadyExists) as refused:
        await repeats.answer(replace(ASKED, sha256=b"b" * 32), work)
    assert refused.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert refused.value.metadata == {"request_id": "order-17"}
    assert [entry.field for entry in refused.value.violations] == ["request_id"]
    work.gate.set()
    assert await first == b"answer 1"
    assert work.begun == 1


async def test_a_failure_is_shared_and_not_remembered():
    """Law: those who wait together fail together; who asks again has it done again."""
    repeats, work = Repeats(FakeAnswerStore()), Work(is_open=False, failure=ValueError("no"))
    waiting = calls(repeats, work, 2)
    await work.started.wait()
    work.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
    work.failure = None
    assert await repeats.answer(ASKED, work) == b"answer 2"


@pytest.mark.parametrize("leaver", [0, 1])
async def test_one_that_leaves_does_not_end_the_other(leaver: int):
    """Law: the work goes on for whoever still waits, whoever came first."""
    repeats, work = Repeats(FakeAnswerStore()), Work(is_open=False)
    waiting = calls(repeats, work, 2)
    await work.started.wait()
    await cancelled(waiting.pop(leaver))
    work.gate.set()
    assert await waiting[0] == b"answer 1"
    assert work.cancelled == 0


async def test_the_last_to_leave_ends_the_work():
    """Law: work that nobody waits for is over before its last caller is; a repeat begins anew."""
    answers, work = FakeAnswerStore(), Work(is_open=False)
    repeats = Repeats(answers)
    waiting = calls(repeats, work, 2)
    await work.started.wait()
    for call in waiting:
        assert work.cancelled == 0
        await cancelled(call)
    assert work.cancelled == 1
    assert answers.kept == {}
    work.gate.set()
    assert await repeats.answer(ASKED, work) == b"answer 2"


async def test_nobody_joins_what_is_being_cancelled():
    """Law: a call that comes while abandoned work winds up begins its own after that."""
    repeats, winding_up, over = Repeats(FakeAnswerStore()), asyncio.Event(), asyncio.Event()
    begun = asyncio.Event()

    async def slow_to_end() -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            winding_up.set()
            await over.wait()
        return b""

    first = asyncio.create_task(repeats.answer(ASKED, slow_to_end))
    await begun.wait()
    first.cancel()
    await winding_up.wait()
    work = Work()
    again = calls(repeats, work, 2)
    await asyncio.sleep(0)
    assert not work.begun
    over.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await asyncio.gather(*again) == [b"answer 1"] * 2


async def test_a_store_out_of_reach_costs_the_work_again():
    """Law: without memory calls are still answered, and those in flight still joined."""
    answers, work = FakeAnswerStore(), Work()
    answers.is_reachable = False
    repeats = Repeats(answers)
    assert await asyncio.gather(*calls(repeats, work, 2)) == [b"answer 1"] * 2
    assert await repeats.answer(ASKED, work) == b"answer 2"

"""One suite for every ``JobDispatcher``. Which job a word is for, the store knows."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gaveld.adapters.nats.dispatcher import NatsJobDispatcher
from gaveld.adapters.queue.local import LocalJobDispatcher
from gaveld.application.ports import JobDispatcher, Ticket
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.nats_server import linked, running_nats

PATIENCE = 30.0
"""For what comes, however busy the machine is."""
MOMENT = 0.2
"""For what doesn't come."""


@pytest.fixture(params=["fake", "local", "nats"])
async def dispatcher(request) -> AsyncIterator[JobDispatcher]:
    match request.param:
        case "fake":
            yield FakeJobDispatcher()
        case "local":
            yield LocalJobDispatcher()
        case _:
            async with running_nats() as server, linked(server) as link:
                yield NatsJobDispatcher(link)


async def told(dispatcher: JobDispatcher) -> Ticket:
    """The next word, which is on its way."""
    ticket = await dispatcher.next(PATIENCE)
    assert ticket is not None
    return ticket


async def all_told(dispatcher: JobDispatcher) -> list[Ticket]:
    """Every word until there is none, each done."""
    tickets = []
    while ticket := await dispatcher.next(MOMENT):
        tickets.append(ticket)
        await ticket.done()
    return tickets


async def test_without_work_nobody_is_told(dispatcher: JobDispatcher):
    """Law: None after so long without any."""
    assert await dispatcher.next(MOMENT) is None


async def test_one_word_is_told_to_one_caller(dispatcher: JobDispatcher):
    """Law: word is for one caller alone, and wakes one that waits already."""
    waiting = [asyncio.create_task(dispatcher.next(PATIENCE)) for _ in range(3)]
    await asyncio.sleep(0)
    await dispatcher.publish(["a"])
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    (ticket,) = [task.result() for task in done]
    assert ticket is not None
    assert ticket.job_count == 1
    await ticket.done()
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    assert await dispatcher.next(MOMENT) is None


async def test_every_word_is_told_once(dispatcher: JobDispatcher):
    """Law: many words at once are each told, to callers at once, and none twice."""
    ids = [f"job-{number}" for number in range(100)]
    await dispatcher.publish(ids)
    tickets = [
        ticket
        for found in await asyncio.gather(*(all_told(dispatcher) for _ in range(4)))
        for ticket in found
    ]
    assert [ticket.job_count for ticket in tickets] == [1] * len(ids)


async def test_word_that_is_there_needs_no_time(dispatcher: JobDispatcher):
    """Law: what is known already is told to one who can't wait, and without any he is told so."""
    assert await dispatcher.next(0) is None
    await dispatcher.publish(["a", "b"])
    for _ in range(2):
        ticket = await dispatcher.next(0)
        assert ticket is not None
        await ticket.done()
    assert await dispatcher.next(0) is None


async def test_what_is_done_is_told_no_more(dispatcher: JobDispatcher):
    """Law: word that is worked on and then done is not told again."""
    await dispatcher.publish(["a"])
    ticket = await told(dispatcher)
    await ticket.working()
    await ticket.done()
    assert await dispatcher.next(MOMENT) is None


async def test_what_is_given_back_is_told_again(dispatcher: JobDispatcher):
    """Law: whoever gives a word back, or another, is told again, as often as it takes."""
    await dispatcher.publish(["a"])
    for _ in range(3):
        ticket = await told(dispatcher)
        assert ticket.job_count == 1
        await ticket.give_back(0)
    await (await told(dispatcher)).done()
    assert await dispatcher.next(MOMENT) is None


async def test_what_is_given_back_for_a_while_keeps_nothing_waiting(dispatcher: JobDispatcher):
    """Law: word that is to come later comes after what is there now."""
    await dispatcher.publish(["later"])
    await (await told(dispatcher)).give_back(3_600)
    assert await dispatcher.next(MOMENT) is None
    await dispatcher.publish(["now"])
    ticket = await told(dispatcher)
    assert ticket.job_count == 1
    await ticket.done()


async def test_a_caller_who_stops_waiting_takes_nothing(dispatcher: JobDispatcher):
    """Law: a cancelled caller keeps no word from the next."""
    waiting = asyncio.create_task(dispatcher.next(PATIENCE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await dispatcher.publish(["a"])
    await (await told(dispatcher)).done()

"""What waits to be judged: in order, bounded, and parts of one turn as one."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.application.open_turn import TurnPart
from gaveld.domain.reviews import Turn
from gaveld.transport.grpc.conversation_inbox import (
    MAX_CHARACTERS,
    MAX_ITEMS,
    Faulty,
    Inbox,
    Sent,
)
from gaveld.transport.grpc.errors import Refusal, RefusedError

REFUSAL = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "can't be parsed")


def part(text: str, turn_id: str = "m", *, last: bool = False, begins: bool = False) -> Sent:
    """Return a part of a turn."""
    return Sent(TurnPart(turn_id, text, is_last=last), begins)


def turn(text: str) -> Sent:
    """Return a complete turn."""
    return Sent(Turn(text), begins_turn=True)


class Caller:
    """Sends messages, and counts those that were read."""

    def __init__(self, messages: Sequence[Sent], failure: Exception | None = None) -> None:
        self.read = 0
        self._messages, self._failure = messages, failure

    async def requests(self) -> AsyncIterator[Sent]:
        for message in self._messages:
            self.read += 1
            yield message
        if self._failure is not None:
            raise self._failure


async def filled(caller: Caller) -> tuple[Inbox, asyncio.Task[None]]:
    """Return an inbox that is filled as far as it goes while nobody takes."""
    inbox = Inbox()
    task = asyncio.create_task(inbox.fill(caller.requests(), lambda sent: sent))
    read = -1
    while read != caller.read:
        read = caller.read
        await asyncio.wait([task], timeout=0.001)
    return inbox, task


async def taken(inbox: Inbox) -> list[Sent]:
    """Return all that an inbox gives."""
    found = []
    while (sent := await inbox.take()) is not None:
        found.append(sent)
    return found


async def test_parts_that_wait_become_one():
    """Law: parts of one turn that nobody took are one part, from the first to the last."""
    parts = [part("a", begins=True), part("b"), part("", last=True), part("c", "n", begins=True)]
    inbox, _ = await filled(Caller(parts))
    whole, other = await taken(inbox)
    assert whole == part("ab", last=True, begins=True)
    assert other == part("c", "n", begins=True)


async def test_what_is_not_one_turn_stays_apart():
    """Law: complete turns, faulty messages, and parts after a last one are not joined."""
    sent = [turn("x"), turn("x"), part("a"), Sent(Faulty("m", REFUSAL, is_part=True), False),
            part("b"), part("c", last=True), part("d")]  # fmt: skip
    inbox, _ = await filled(Caller(sent))
    assert await taken(inbox) == [*sent[:4], part("bc", last=True), part("d")]


@pytest.mark.parametrize(
    ("message", "most"),
    [
        (turn("x"), MAX_ITEMS),
        (turn("x" * 40_000), 2),
        (part("x" * 1_000), MAX_CHARACTERS // 1_000 + 1),
    ],
)
async def test_a_full_inbox_reads_no_further(message: Sent, most: int):
    """Law: while nobody takes, little is read; each message taken lets more in; none is lost."""
    caller = Caller([message] * 200)
    inbox, task = await filled(caller)
    assert most <= caller.read <= most + 1
    assert not task.done()
    texts = "".join(sent.message.text for sent in await taken(inbox))
    assert len(texts) == 200 * len(message.message.text)


async def test_what_ends_the_requests_comes_after_what_was_read():
    """Law: the good messages first, then the failure, as often as it is asked for."""
    inbox, task = await filled(Caller([turn("x")], RefusedError(REFUSAL)))
    assert task.done()
    assert await inbox.take() == turn("x")
    for _ in range(2):
        with pytest.raises(RefusedError):
            await inbox.take()


async def test_whoever_waits_is_woken_by_a_message_or_the_end():
    """Law: taking from an empty inbox waits, and ends with None after the last."""
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.take())
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    await inbox.fill(Caller([turn("x")]).requests(), lambda sent: sent)
    assert await waiting == turn("x")
    assert await inbox.take() is None


messages = st.lists(
    st.builds(part, st.text(max_size=5), st.sampled_from("mn"), last=st.booleans())
    | st.builds(turn, st.text(max_size=5)),
    max_size=30,
)


@settings(deadline=None)
@given(messages)
def test_joining_changes_no_turn(sent):
    """Law: the text of each turn, and the order of turns, are as they were sent."""

    def spelled(items: Sequence[Sent]) -> list[tuple]:
        turns: list[tuple] = []
        for entry in items:
            message = entry.message
            if isinstance(message, Turn):
                turns.append(("turn", message.text))
            elif turns and turns[-1][0] == message.turn_id and not turns[-1][2]:
                turns[-1] = (message.turn_id, turns[-1][1] + message.text, message.is_last)
            else:
                turns.append((message.turn_id, message.text, message.is_last))
        return turns

    async def through() -> list[Sent]:
        inbox, _ = await filled(Caller(sent))
        return await taken(inbox)

    assert spelled(asyncio.run(through())) == spelled(sent)

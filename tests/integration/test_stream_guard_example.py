"""The guard of ``examples/stream_guard.py`` where things go wrong around it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from examples.stream_guard import Draft, NotCheckedError, StreamGuard, simulated_model

from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Running, Serve
from tests.integration.stream_stand import words

HARMLESS = "The first sentence is fine. "
ANSWER = HARMLESS + "The second will kill you all. And the third is fine again."


async def opened(running: Running) -> StreamGuard:
    """Open a stream on the server's channel."""
    guard = StreamGuard(running.channel)
    await guard.open()
    return guard


async def shown(
    guard: StreamGuard, tokens: AsyncGenerator[str, None], draft: Draft, turn_id: str = "a"
) -> str:
    """Return all that the guard lets through."""
    return "".join([text async for text in guard.let_through(turn_id, tokens, draft)])


async def test_a_stopped_model_writes_no_more(serve: Serve):
    """Law: once nothing more is cleared the model is stopped, and the talk can go on."""
    running = await serve(reviewers=[words()])
    guard, draft, said = await opened(running), Draft(), []
    gate = asyncio.Event()

    async def model() -> AsyncGenerator[str, None]:
        yield ANSWER
        await gate.wait()  # for ever: a model that is not stopped never ends
        said.append("more")
        yield "more"

    text = await shown(guard, model(), draft)
    assert text.strip() == HARMLESS.strip()
    assert (draft.is_stopped, draft.shown, said) == (True, text, [])
    after = Draft()
    assert await shown(guard, simulated_model(HARMLESS, 0), after, "b") == HARMLESS
    assert not after.is_stopped
    assert (await guard.close()).turn_count == 2


async def test_a_model_may_be_stopped_in_the_middle_of_a_write(serve: Serve):
    """Law: stopping a model that never pauses leaves the stream open, every time."""
    guard = await opened(await serve(reviewers=[words()]))

    async def model() -> AsyncGenerator[str, None]:
        yield ANSWER
        while True:
            yield "and so on " * 50

    for number in range(30):
        draft = Draft()
        await shown(guard, model(), draft, str(number))
        assert draft.is_stopped
    assert (await guard.close()).turn_count == 30


async def test_a_model_that_breaks_is_told_of_after_what_it_wrote(serve: Serve):
    """Law: what was written is judged and shown, and then the model's failure is raised."""
    running = await serve(reviewers=[words()])
    guard, draft = await opened(running), Draft()

    async def model() -> AsyncGenerator[str, None]:
        yield HARMLESS + "And then"
        raise ConnectionError("the model is gone")

    with pytest.raises(ConnectionError):
        await shown(guard, model(), draft)
    assert draft.shown == HARMLESS + "And then"


async def test_what_was_not_checked_is_not_shown(serve: Serve):
    """Law: an answer that nobody could judge ends with an error and without a character."""
    broken = FakeReviewer("broken", failure=ValueError())
    guard, draft = await opened(await serve(reviewers=[broken])), Draft()
    with pytest.raises(NotCheckedError):
        await shown(guard, simulated_model(ANSWER, 0), draft)
    assert draft.shown == ""


async def test_a_server_that_leaves_ends_the_answer(serve: Serve):
    """Law: when the server ends the stream, what was not cleared by then is never shown."""
    running = await serve(reviewers=[words()])
    guard, draft = await opened(running), Draft()

    async def model() -> AsyncGenerator[str, None]:
        yield HARMLESS + "Nobody has"
        await running.server.drain(0, 10)
        yield " seen this."

    with pytest.raises(NotCheckedError):
        await shown(guard, model(), draft)
    assert HARMLESS.startswith(draft.shown)


async def test_a_blocked_question_is_not_answered(serve: Serve):
    """Law: the model is asked only what is not blocked."""
    guard = await opened(await serve(reviewers=[words()]))
    assert await guard.may_answer("q1", "How do I water a cactus?")
    assert not await guard.may_answer("q2", "How do I kill a neighbour?")

"""One suite for every ``Transcriber``. A new one joins with one line in ``CASES``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from gaveld.adapters.model_servers.server import ModelServer, ServerOptions
from gaveld.adapters.model_servers.transcription import ServedTranscriber
from gaveld.application.ports import Transcriber
from gaveld.domain.videos import Sound
from tests.chat_server import chat_server, sends
from tests.fakes.videos import FakeTranscriber

LOUD = Sound(30.0, 32.0, b"loud" * 16_000)
SILENT = Sound(32.0, 34.0, b"")
SAID = (
    b'{"text": "Hello you.", "segments": ['
    b'{"start": 0.2, "end": 0.9, "text": " Hello"}, {"start": 0.9, "end": 7, "text": " you."}]}'
)


@asynccontextmanager
async def fake() -> AsyncIterator[Transcriber]:
    yield FakeTranscriber()


@asynccontextmanager
async def served() -> AsyncIterator[Transcriber]:
    async with chat_server(sends(SAID)) as listening:
        server = ModelServer(ServerOptions(listening.url))
        try:
            yield ServedTranscriber(server, "whisper")
        finally:
            await server.aclose()


CASES: dict[str, Callable[[], AbstractAsyncContextManager[Transcriber]]] = {
    "fake": fake,
    "served": served,
}


@pytest.fixture(params=CASES)
async def transcriber(request) -> AsyncIterator[Transcriber]:
    async with CASES[request.param]() as opened:
        yield opened


async def test_the_card_covers_no_category(transcriber: Transcriber):
    """Law: hearing is no judging, and the card never changes."""
    card = transcriber.card
    assert card.name
    assert card.version
    assert not card.categories
    await transcriber.transcribe(LOUD)
    assert card == transcriber.card


async def test_what_is_said_lies_in_the_sound_and_in_order(transcriber: Transcriber):
    """Law: times are those of the video, within the stretch, and no text is empty."""
    spoken = await transcriber.transcribe(LOUD)
    assert spoken
    times = [LOUD.start_seconds]
    for said in spoken:
        assert said.text.strip()
        times += [said.start_seconds, said.end_seconds]
    times.append(LOUD.end_seconds)
    assert times == sorted(times)


async def test_nothing_is_heard_where_nothing_is(transcriber: Transcriber):
    """Law: silence has no text."""
    assert await transcriber.transcribe(SILENT) == ()


async def test_calls_do_not_mix(transcriber: Transcriber):
    """Law: each of many calls at once gets the answer to its own sound."""
    sounds = [Sound(float(start), start + 2.0, LOUD.pcm) for start in range(0, 12, 2)]
    answers = await asyncio.gather(*map(transcriber.transcribe, sounds))
    for sound, spoken in zip(sounds, answers, strict=True):
        assert all(sound.start_seconds <= said.start_seconds < sound.end_seconds for said in spoken)

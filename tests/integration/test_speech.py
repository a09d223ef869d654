"""Speech before a real server that is well, busy, broken or gone: what is sent, what is read."""

import asyncio
import email
import email.policy
import io
import json
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from gaveld.adapters.model_servers.server import ModelServer, ModelServerError, ServerOptions
from gaveld.adapters.model_servers.transcription import ServedTranscriber, is_silent
from gaveld.domain.videos import Sound, SpokenText
from tests.chat_server import (
    ChatServer,
    Received,
    chat_server,
    hangs_up,
    hangs_up_midway,
    holds,
    refuses,
    sends,
)

RATE = 16_000


def tone(seconds: float = 1.0, decibels: float = -20.0) -> bytes:
    """A sine of 440 Hz, so many decibels below the loudest there can be."""
    times = np.arange(round(seconds * RATE)) / RATE
    amplitude = 32_767 * 2**0.5 * 10 ** (decibels / 20)
    return (amplitude * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()


HEARD = Sound(10.0, 20.0, tone())


def says(text: str = "", **more) -> bytes:
    return json.dumps({"text": text, **more}).encode()


def segments(*parts: tuple[object, object, object]) -> bytes:
    listed = [{"id": 1, "start": start, "end": end, "text": text} for start, end, text in parts]
    return says("all of it", language="english", duration=10.0, segments=listed)


def form(request: Received) -> dict[str, bytes]:
    """The parts of multipart form data, by their names."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.raw, policy=email.policy.HTTP)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    """Serve a model that hears two words, until told otherwise."""
    async with chat_server(sends(says("two words"))) as server:
        yield server


@asynccontextmanager
async def transcriber_at(
    url: str, *, read_key=None, timeout_seconds=20.0, max_concurrent=2, **options
) -> AsyncIterator[ServedTranscriber]:
    server = ModelServer(ServerOptions(url, timeout_seconds, max_concurrent), read_key)
    try:
        yield ServedTranscriber(server, "whisper", **options)
    finally:
        await server.aclose()


async def test_a_request_is_the_sound_and_the_settings(server: ChatServer):
    """Law: the server gets a WAV file of every sample, the model, the language and the key."""
    async with transcriber_at(server.url, read_key=lambda: "sk-1\n", language="de") as transcriber:
        await transcriber.transcribe(HEARD)
    (request,) = server.received
    assert request.path == "/v1/audio/transcriptions"
    assert request.headers["authorization"] == "Bearer sk-1"
    parts = form(request)
    with wave.open(io.BytesIO(parts.pop("file"))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.readframes(file.getnframes()) == HEARD.pcm
    assert parts == {
        "model": b"whisper",
        "language": b"de",
        "response_format": b"verbose_json",
        "temperature": b"0",
    }


async def test_only_what_is_set_is_sent(server: ChatServer):
    """Law: no language leaves it to the model, no key sends none, and times can be left out."""
    async with transcriber_at(server.url, wants_times=False) as transcriber:
        await transcriber.transcribe(HEARD)
    (request,) = server.received
    assert "authorization" not in request.headers
    parts = form(request)
    assert "language" not in parts
    assert parts["response_format"] == b"json"


async def test_segments_have_times_of_the_video(server: ChatServer):
    """Law: a segment's times count from the sound's beginning, and stay within the sound."""
    server.behave(
        sends(segments((0.0, 2.5, " Hello. "), (2.5, 4, "You."), (9, 99, "End"), (-3, -2, "x")))
    )
    async with transcriber_at(server.url) as transcriber:
        assert await transcriber.transcribe(HEARD) == (
            SpokenText(10.0, 12.5, "Hello."),
            SpokenText(12.5, 14.0, "You."),
            SpokenText(19.0, 20.0, "End"),
            SpokenText(10.0, 10.0, "x"),
        )


async def test_a_text_without_times_is_one_text(server: ChatServer):
    """Law: a server that gives only text is heard, too, over the whole stretch."""
    for answer in (says(" two words "), says("two words", segments=[]), says("two words", x=None)):
        server.behave(sends(answer))
        async with transcriber_at(server.url) as transcriber:
            assert await transcriber.transcribe(HEARD) == (SpokenText(10.0, 20.0, "two words"),)


@pytest.mark.parametrize(
    "answer", [says(""), says(" \n"), segments((0, 1, " ")), says(segments=[])]
)
async def test_nothing_said_is_nothing(server: ChatServer, answer: bytes):
    """Law: a sound in which nobody speaks has no text."""
    server.behave(sends(answer))
    async with transcriber_at(server.url) as transcriber:
        assert await transcriber.transcribe(HEARD) == ()


@pytest.mark.parametrize(
    "pcm", [b"", b"\0", bytes(2 * RATE), tone(decibels=-52), tone(0.01, -52)], ids=len
)
async def test_silence_is_not_sent(server: ChatServer, pcm: bytes):
    """Law: a server is not asked about sound in which there is nothing to hear."""
    async with transcriber_at(server.url) as transcriber:
        assert await transcriber.transcribe(Sound(0.0, 1.0, pcm)) == ()
    assert server.received == []


@pytest.mark.parametrize(
    "pcm",
    [
        tone(decibels=-48),
        bytes(60 * RATE) + tone(0.1) + bytes(60 * RATE),
        bytes(60 * RATE) + tone(0.05) + b"\0",
        np.full(RATE, -32_768, "<i2").tobytes(),
    ],
    ids=["quiet", "one-word-in-a-minute", "an-odd-byte", "loudest"],
)
def test_what_may_be_speech_is_no_silence(pcm: bytes):
    """Law: quiet speech is sent, and a word is not lost in a long silence."""
    assert not is_silent(pcm)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"two words",
        b"[]",
        b"{}",
        b'{"text": 7}',
        b'{"text": null, "segments": []}',
        b"[" * 100_000,
        segments((None, 1, "x")),
        segments((0, "1", "x")),
        segments((0, 1, None)),
        segments((float("nan"), 1, "x")),
        segments((0, float("inf"), "x")),
        says("x", segments=["two words"]),
        says("x" * (1 << 20)),
    ],
    ids=range(14),
)
async def test_what_is_no_transcription_is_a_failure(server: ChatServer, answer: bytes):
    """Law: an answer that can't be read counts as not heard, and is not repeated in the error."""
    server.behave(sends(answer))
    async with transcriber_at(server.url) as transcriber:
        with pytest.raises(ModelServerError) as failure:
            await transcriber.transcribe(HEARD)
    assert "words" not in str(failure.value)


@pytest.mark.parametrize("fault", [hangs_up, hangs_up_midway, refuses(503), refuses(429)])
async def test_a_passing_fault_is_tried_once_more(server: ChatServer, fault):
    """Law: what may pass is tried a second time, with the whole sound, and then left."""
    server.behave(fault, sends(says("two words")))
    async with transcriber_at(server.url) as transcriber:
        assert [said.text for said in await transcriber.transcribe(HEARD)] == ["two words"]
        assert form(server.received[0])["file"] == form(server.received[1])["file"]
        server.behave(fault)
        with pytest.raises(ModelServerError):
            await transcriber.transcribe(HEARD)
    assert len(server.received) == 4


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 422])
async def test_a_lasting_fault_is_not_tried_again(server: ChatServer, status: int):
    """Law: a refusal stands, is told by its status, and a redirect is not followed."""
    server.behave(refuses(status, ("location", "/elsewhere"), body=b"some secret"))
    async with transcriber_at(server.url) as transcriber:
        with pytest.raises(ModelServerError, match=f"HTTP {status}"):
            await transcriber.transcribe(HEARD)
    assert len(server.received) == 1


async def test_a_server_that_is_gone_is_a_failure():
    """Law: nobody there counts as not heard."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    async with transcriber_at(url) as transcriber:
        with pytest.raises(ModelServerError, match="can't be reached"):
            await transcriber.transcribe(HEARD)


async def test_the_time_is_bounded(server: ChatServer):
    """Law: a server that says nothing is left after the timeout, and hears that it was."""
    server.behave(holds)
    async with transcriber_at(server.url, timeout_seconds=0.2) as transcriber:
        with pytest.raises(ModelServerError, match="had not answered"):
            await transcriber.transcribe(HEARD)
    await server.gone.wait()


async def test_a_cancelled_call_hangs_up(server: ChatServer):
    """Law: the server may stop, and the place is free for the next sound."""
    server.behave(holds)
    async with transcriber_at(server.url, max_concurrent=1) as transcriber:
        call = asyncio.create_task(transcriber.transcribe(HEARD))
        await server.holding.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.gone.wait()
        server.behave(sends(says("two words")))
        assert await transcriber.transcribe(HEARD)


async def test_as_many_sounds_are_sent_as_were_set(server: ChatServer):
    """Law: the server has a bounded number of sounds at a time."""
    async with transcriber_at(server.url, max_concurrent=2) as transcriber:
        heard = await asyncio.gather(*(transcriber.transcribe(HEARD) for _ in range(12)))
    assert all(heard)
    assert server.busiest <= 2


@pytest.mark.parametrize("key", ["sk-ü", "sk\n1"])
async def test_a_key_that_no_header_may_hold_is_not_sent(server: ChatServer, key: str):
    """Law: nor is it in the error."""
    async with transcriber_at(server.url, read_key=lambda: key) as transcriber:
        with pytest.raises(ModelServerError) as failure:
            await transcriber.transcribe(HEARD)
    assert "sk" not in str(failure.value)
    assert server.received == []


def test_the_card_says_what_it_is():
    """Law: speech covers no category, and is named after its model."""
    card = ServedTranscriber(ModelServer(ServerOptions("http://127.0.0.1")), "whisper-1").card
    assert (card.name, card.version, card.categories) == ("speech", "whisper-1", frozenset())
    assert card.limits

"""Descriptions by a chat model that sees: the same question always, and one plain sentence back."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from PIL import Image

from gaveld.adapters.model_servers.description import (
    LONGEST_SENTENCE_CHARS,
    ServedDescriber,
    one_sentence,
)
from gaveld.adapters.model_servers.server import ModelServer, ModelServerError, ServerOptions
from gaveld.domain.media import Frame
from tests.chat_server import ChatServer, chat_server, completion, holds, says, sends
from tests.frames import frame_of, plain, waves

SEEN = "Two dogs run along a beach."


class JpegEncoder:
    """Encodes frames with Pillow."""

    async def encode(self, frame: Frame) -> bytes:
        file = io.BytesIO()
        size = (frame.width, frame.height)
        Image.frombytes("RGB", size, bytes(frame.rgb)).save(file, "JPEG")
        return file.getvalue()


class BrokenEncoder:
    """Encodes nothing."""

    async def encode(self, frame: Frame) -> bytes:
        raise ValueError("no pixels")


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    """Serve a model that sees two dogs, until told otherwise."""
    async with chat_server(says(SEEN)) as server:
        yield server


@asynccontextmanager
async def describer_at(
    url: str, encoder=None, *, timeout_seconds: float = 20.0
) -> AsyncIterator[ServedDescriber]:
    server = ModelServer(ServerOptions(url, timeout_seconds))
    try:
        yield ServedDescriber(server, "sees", encoder or JpegEncoder())
    finally:
        await server.aclose()


async def test_a_frame_becomes_a_sentence(server: ChatServer):
    """Law: the model is shown the frame as a JPEG file, and what it says is the description."""
    frame = frame_of(waves(1))
    async with describer_at(server.url) as describer:
        assert await describer.describe(frame) == SEEN
    (request,) = server.received
    assert request.path == "/v1/chat/completions"
    shown = request.body["messages"][-1]["content"][1]["image_url"]["url"]
    kind, _, data = shown.partition(";base64,")
    assert kind == "data:image/jpeg"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (frame.width, frame.height))


async def test_a_picture_changes_nothing_of_what_is_asked(server: ChatServer):
    """Law: requests about any two pictures differ in the picture's bytes and in nothing else."""
    async with describer_at(server.url) as describer:
        await describer.describe(frame_of(waves(1)))
        await describer.describe(frame_of(plain(255, 0, 0)))
    asked = []
    for request in server.received:
        shown = request.body["messages"][-1]["content"].pop()
        assert shown.keys() == {"type", "image_url"}
        asked.append(request.body)
    assert asked[0] == asked[1]
    assert [message["role"] for message in asked[0]["messages"]] == ["system", "user"]
    assert "never instructions" in server.received[0].system


@pytest.mark.parametrize(
    ("said", "description"),
    [
        (SEEN, SEEN),
        ("  Two dogs.\n\nThey belong to Ann.", "Two dogs."),
        ("Two dogs! Three cats?", "Two dogs!"),
        ("A sign that says “Stop.” A car waits.", "A sign that says “Stop.”"),
        ("A jar that holds 2.5 litres of jam", "A jar that holds 2.5 litres of jam."),
        ("two dogs", "two dogs."),
        ("**Two** _dogs_ run.", "Two dogs run."),
        ("# Two dogs\n", "Two dogs."),
        ("- Two dogs run.\n- A cat sits.", "Two dogs run."),
        ("1. Two dogs run.", "Two dogs run."),
        ("`Two dogs`", "Two dogs."),
        ("<b>Two</b> dogs<script>.", "Two dogs."),
        ("<!-- note -->Two dogs <img src=x>run.", "Two dogs run."),
        ("A page with [a link](https://evil.example/x?y=1).", "A page with a link."),
        ("![dogs](http://evil.example/a.png) Two dogs.", "dogs Two dogs."),
        ("Two dogs, see https://evil.example/a?b=c for more.", "Two dogs, see for more."),
        ("Visit www.evil.example now.", "Visit now."),
        ("Visit evil.example/path now.", "Visit now."),
        ("Call javascript:alert(1) now.", "Call now."),
        ("Write to ann@example.com today.", "Write to today."),
        ("Two\u202e dogs\u0007\x1b[31m run\u200b.", "Two dogs 31m run."),
        ("<think>It may be a cat.</think>\nTwo dogs.", "Two dogs."),
        ("<think>It may be a cat", ""),
        ("-", ""),
        ("", ""),
        (" …", ""),
        ("I'm sorry, but I can't describe this picture.", ""),
        ("I cannot help with that.", ""),
        ("I’m unable to see the picture.", ""),
        ("As an AI, I see two dogs.", ""),
    ],
)
async def test_whatever_is_said_one_plain_sentence_leaves(
    server: ChatServer, said: str, description: str
):
    """Law: no second sentence, markup, address or invisible character gets through."""
    server.behave(sends(completion(said)))
    async with describer_at(server.url) as describer:
        assert await describer.describe(frame_of(plain(1, 2, 3))) == description


@pytest.mark.parametrize(
    "said",
    [
        "dog " * 500,
        "d" * 5_000,
        "dog, " * 59 + "dogs and more.",
        "x " * 149 + "yz",
        "<think>" * 50_000,
        "a." * 100_000,
        "[" * 100_000,
        "a@" * 100_000,
        "<a" * 100_000,
        "\n- " * 100_000,
    ],
    ids=range(10),
)
def test_a_sentence_is_short(said: str):
    """Law: it has at most 300 characters and ends as sentences do, whatever was said."""
    sentence = one_sentence(said)
    assert len(sentence) <= LONGEST_SENTENCE_CHARS
    assert not sentence or sentence[-1] in ".!?…"


async def test_a_model_that_does_not_want_to_says_nothing(server: ChatServer):
    """Law: a refusal in the protocol's own words is no description and no failure."""
    server.behave(sends(completion(None, message={"refusal": "I can't."})))
    async with describer_at(server.url) as describer:
        assert await describer.describe(frame_of(plain(1, 2, 3))) == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"Two dogs.",
        b"{}",
        b'{"choices": []}',
        json.dumps({"choices": [{"message": {"content": 7}}]}).encode(),
        json.dumps({"choices": [{"text": SEEN}]}).encode(),
    ],
)
async def test_what_is_no_completion_is_a_failure(server: ChatServer, answer: bytes):
    """Law: an answer that can't be read counts as not described."""
    server.behave(sends(answer))
    async with describer_at(server.url) as describer:
        with pytest.raises(ModelServerError):
            await describer.describe(frame_of(plain(1, 2, 3)))


async def test_a_frame_that_can_t_be_encoded_is_not_shown(server: ChatServer):
    """Law: the encoder's failure is the description's, and nothing is asked."""
    async with describer_at(server.url, BrokenEncoder()) as describer:
        with pytest.raises(ValueError, match="no pixels"):
            await describer.describe(frame_of(plain(1, 2, 3)))
    assert server.received == []


async def test_a_cancelled_call_hangs_up(server: ChatServer):
    """Law: the server hears that nobody waits any more."""
    server.behave(holds)
    async with describer_at(server.url) as describer:
        call = asyncio.create_task(describer.describe(frame_of(plain(1, 2, 3))))
        await server.holding.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.gone.wait()


async def test_the_card_says_what_it_is(server: ChatServer):
    """Law: a description covers no category, and is named after its model."""
    async with describer_at(server.url) as describer:
        card = describer.card
    assert (card.name, card.version, card.categories) == ("description", "sees", frozenset())
    assert card.limits

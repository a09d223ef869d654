"""What is beside Gavel: named in the settings it is there, and else it is not."""

from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from gaveld.bootstrap.plugins import antivirus, picture_describer, transcriber
from gaveld.bootstrap.settings import (
    AntivirusSettings,
    DescriptionSettings,
    SettingsError,
    SpeechSettings,
    load_settings,
)
from gaveld.domain.media import Frame, MediaFile
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.videos import Sound
from tests.chat_server import chat_server, says, sends
from tests.clamd import EICAR, clamd_server
from tests.frames import frame_of, plain

LOUD = Sound(0.0, 1.0, np.full(16_000, 9_000, "<i2").tobytes())


class Unread:
    """Encodes every frame as the same few bytes, which no model of these tests looks at."""

    async def encode(self, frame: Frame) -> bytes:
        return b"\xff\xd8"


async def test_nothing_is_there_unless_it_is_named():
    """Law: without settings nothing is scanned, heard or shown to anybody."""
    async with AsyncExitStack() as stack:
        assert antivirus(AntivirusSettings()) is None
        assert transcriber(SpeechSettings(), stack) is None
        assert picture_describer(DescriptionSettings(), Unread(), stack) is None


async def test_a_clamd_that_is_named_scans():
    """Law: the address in the settings is the one that is asked."""
    async with clamd_server() as clamd:
        classifier = antivirus(AntivirusSettings(address=clamd.address))
        assert classifier is not None
        await classifier.warm_up()
        report = await classifier.classify(MediaFile(EICAR, MediaFormat.GIF, "0" * 64))
    assert [found.category_id for found in report.findings] == ["S3"]


async def test_a_server_that_is_named_hears(tmp_path: Path):
    """Law: model, language and key are the settings', and a new key needs no restart."""
    key = tmp_path / "key"
    key.write_text("first\n")
    async with chat_server(sends(b'{"text": "words"}')) as server, AsyncExitStack() as stack:
        settings = SpeechSettings(
            url=server.url, model="whisper", language="fr", api_key_file=key, segment_times=False
        )
        hears = transcriber(settings, stack)
        assert hears is not None
        assert [said.text for said in await hears.transcribe(LOUD)] == ["words"]
        key.write_text("second\n")
        await hears.transcribe(LOUD)
    keys = [request.headers["authorization"] for request in server.received]
    assert keys == ["Bearer first", "Bearer second"]
    assert all(b'"language"\r\n\r\nfr\r\n' in request.raw for request in server.received)
    assert all(b"\r\n\r\njson\r\n" in request.raw for request in server.received)


async def test_a_server_that_is_named_describes():
    """Law: model and length are the settings'; without a key file no key is sent."""
    async with chat_server(says("A red square.")) as server, AsyncExitStack() as stack:
        settings = DescriptionSettings(url=server.url, model="sees", max_tokens=99)
        describer = picture_describer(settings, Unread(), stack)
        assert describer is not None
        assert await describer.describe(frame_of(plain(255, 0, 0))) == "A red square."
    (request,) = server.received
    assert (request.body["model"], request.body["max_tokens"]) == ("sees", 99)
    assert "authorization" not in request.headers


async def test_connections_end_with_the_server():
    """Law: what was opened is closed by the stack that it was given."""
    async with chat_server(sends(b'{"text": "words"}')) as server:
        async with AsyncExitStack() as stack:
            hears = transcriber(SpeechSettings(url=server.url, model="whisper"), stack)
            assert hears is not None
        with pytest.raises(RuntimeError, match="closed"):
            await hears.transcribe(LOUD)


@pytest.mark.parametrize(
    ("key", "section"),
    [
        ("antivirus.address", {"antivirus": {"address": "clamd:3310"}}),
        ("antivirus.max_concurrent", {"antivirus": {"max_concurrent": 0}}),
        ("speech", {"speech": {"url": "http://speech/v1"}}),
        ("speech", {"speech": {"model": "whisper"}}),
        ("speech.url", {"speech": {"url": "speech", "model": "whisper"}}),
        ("speech.url", {"speech": {"url": "http://me:secret@speech/v1", "model": "whisper"}}),
        ("speech.language", {"speech": {"language": "English"}}),
        ("description", {"description": {"url": "http://vllm/v1"}}),
        ("description.api_key_file", {"description": {"api_key_file": "/nowhere/key"}}),
        ("description.max_tokens", {"description": {"max_tokens": 1}}),
        ("description.port", {"description": {"port": 1}}),
    ],
)
def test_a_setting_that_is_wrong_is_named(key: str, section: dict):
    """Law: half a plug-in is an error at the start, and the message repeats no secret."""
    with pytest.raises(SettingsError, match=f"^{key}: ") as failure:
        load_settings(overrides=section)
    assert "secret" not in str(failure.value)

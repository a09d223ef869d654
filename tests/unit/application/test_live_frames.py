"""Live frames: in order, a few at a time, each of them a picture."""

import asyncio
from dataclasses import replace

import pytest

from gaveld.application.live_frames import MOST_WAITING, LiveFrames
from gaveld.domain.errors import InvalidRequest
from gaveld.domain.media import (
    Frame,
    MediaFacts,
    MediaFile,
    MediaKind,
    MediaRefusal,
    MediaRefused,
    Picture,
)

JPEG = b"\xff\xd8\xff" + bytes(40)


class Decoder:
    """An ``ImageDecoder`` to which every file is a grey picture."""

    def __init__(self) -> None:
        self.is_partial = False
        self.decoded: list[MediaFile] = []

    async def decode(self, file: MediaFile) -> Picture:
        self.decoded.append(file)
        facts = MediaFacts(
            file.sha256, file.format, MediaKind.IMAGE, 4, 2, 1, 1, len(file.data), None,
            self.is_partial,
        )  # fmt: skip
        return Picture(facts, (Frame(0, 0.0, 4, 2, memoryview(bytes(24))),))


async def test_frames_come_with_their_times():
    """Law: each frame is decoded, counted and given the time that its caller says."""
    frames = LiveFrames(Decoder())
    async with frames:
        await frames.show(JPEG, 0.5)
        await frames.show(JPEG, 0.5)
        await frames.show(JPEG, 2.0)
        await frames.finish()
        shown = [entry.frame async for entry in frames.events()]
    assert [(frame.index, frame.start_seconds) for frame in shown] == [(0, 0.5), (1, 0.5), (2, 2.0)]
    assert frames.facts is not None
    assert (frames.facts.kind, frames.facts.frame_count) == (MediaKind.VIDEO, 3)
    assert (frames.facts.duration_seconds, frames.facts.byte_count) == (2.0, 3 * len(JPEG))


async def test_time_never_falls():
    """Law: a frame before the last one is refused by its field."""
    frames = LiveFrames(Decoder())
    await frames.show(JPEG, 2.0)
    with pytest.raises(InvalidRequest) as caught:
        await frames.show(JPEG, 1.9)
    assert caught.value.violations[0].field == "frame.offset"


async def test_a_few_wait_and_the_next_is_held_back():
    """Law: whoever shows more than is taken waits, so that memory is bounded."""
    frames = LiveFrames(Decoder())
    for number in range(MOST_WAITING):
        await frames.show(JPEG, float(number))
    held = asyncio.create_task(frames.show(JPEG, 9.0))
    events = frames.events()
    await asyncio.wait([held], timeout=0.01)
    assert not held.done()
    await anext(events)
    await held


async def test_what_is_no_jpeg_is_refused():
    """Law: live frames are JPEG by their bytes, and nothing else is decoded."""
    decoder = Decoder()
    frames = LiveFrames(decoder)
    await frames.show(b"\x89PNG\r\n\x1a\n" + bytes(40), 0.0)
    with pytest.raises(MediaRefused) as caught:
        await anext(frames.events())
    assert caught.value.refusal is MediaRefusal.FORMAT_NOT_SUPPORTED
    assert decoder.decoded == []


async def test_half_a_frame_is_remembered():
    """Law: once a frame was not whole, the video is not."""
    decoder = Decoder()
    frames = LiveFrames(decoder)
    events = frames.events()
    for is_partial in (True, False):
        decoder.is_partial = is_partial
        await frames.show(JPEG, 0.0)
        await anext(events)
    assert frames.facts == replace(frames.facts, is_partial=True)

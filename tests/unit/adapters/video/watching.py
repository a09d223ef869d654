"""Decodes a video the way callers do, and keeps what came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.adapters.video.limits import VideoLimits
from gaveld.domain.media import MediaFacts, MediaRefused
from gaveld.domain.videos import SampledFrame, Sound, Subtitle, VideoEvent

CHUNK = 1 << 20


@dataclass
class Watched:
    """The events of a video, in order, and its facts at the end."""

    events: list[VideoEvent]
    facts: MediaFacts

    @property
    def frames(self) -> list[SampledFrame]:
        return [event for event in self.events if isinstance(event, SampledFrame)]

    @property
    def times(self) -> list[float]:
        return [event.frame.start_seconds for event in self.frames]

    @property
    def subtitles(self) -> list[Subtitle]:
        return [event for event in self.events if isinstance(event, Subtitle)]

    @property
    def sounds(self) -> list[Sound]:
        return [event for event in self.events if isinstance(event, Sound)]

    @property
    def shown(self) -> list[object]:
        """All of it, in a form that can be compared."""
        return [
            (event.frame.start_seconds, bytes(event.frame.rgb), event.is_scene_change)
            if isinstance(event, SampledFrame)
            else (event.start_seconds, event.pcm)
            if isinstance(event, Sound)
            else event
            for event in self.events
        ]


def colour_at(event: SampledFrame, x: float, y: float) -> tuple[int, ...]:
    """The pixel at a place, from 0 to 1 to the right and down."""
    frame = event.frame
    row, column = int(y * (frame.height - 1)), int(x * (frame.width - 1))
    at = 3 * (row * frame.width + column)
    return tuple(frame.rgb[at : at + 3])


def alike(colour: tuple[int, ...], other: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(one - two) <= by for one, two in zip(colour, other, strict=True))


@contextlib.asynccontextmanager
async def decoding(*, workers: int = 1, **limits: float) -> AsyncIterator[ProcessVideoDecoder]:
    decoder = ProcessVideoDecoder(VideoLimits(**limits), workers=workers)
    try:
        yield decoder
    finally:
        decoder.close()


async def watch(
    decoder: ProcessVideoDecoder,
    data: bytes,
    *cuts: int,
    with_sound: bool = False,
    needs_pictures: bool = True,
) -> Watched:
    """Decode a file that comes in chunks that end at the cuts, or in chunks of 1 MiB."""
    edges = cuts or range(CHUNK, len(data), CHUNK)
    async with decoder.open(with_sound=with_sound, needs_pictures=needs_pictures) as reading:

        async def feed() -> None:
            for start, end in zip((0, *edges), (*edges, len(data)), strict=True):
                await reading.feed(data[start:end])
            await reading.finish()

        feeding = asyncio.create_task(feed())
        try:
            events = [event async for event in reading.events()]
        finally:
            await feeding
        facts = reading.facts
        assert facts is not None
        return Watched(events, facts)


async def refusal(decoder: ProcessVideoDecoder, data: bytes) -> MediaRefused:
    with pytest.raises(MediaRefused) as refused:
        await watch(decoder, data)
    return refused.value


def children() -> set[int]:
    """The ids of this process's children, the dead that nobody buried included."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found

"""Videos without bytes: a decoder that yields what a test says, and who looks at its frames."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from gaveld.domain.image_signals import ImageFinding, ImageText, PictureSignals
from gaveld.domain.media import Frame, MediaFacts, MediaKind, MediaRefused, Picture
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus, Signals
from gaveld.domain.videos import SampledFrame, Sound, SpokenText, Subtitle, VideoEvent

EYES = ClassifierCard("eyes", "1", frozenset({"A1", "H3", "L1"}))
SECONDS = 10.0


def frame(index: int, seconds: float) -> SampledFrame:
    """A grey frame."""
    return SampledFrame(Frame(index, seconds, 2, 2, memoryview(bytes(12))), is_scene_change=False)


def frames(*seconds: float) -> list[VideoEvent]:
    """Frames at these times."""
    return [frame(index, at) for index, at in enumerate(seconds)]


class FakeVideoReading:
    """A ``VideoReading`` that yields events once ``needs_all`` bytes, or one, are there.

    ``gate`` holds each event after the first until it is set; ``failure`` comes after the last.
    """

    def __init__(
        self,
        events: Sequence[VideoEvent],
        *,
        needs_all: bool = False,
        gate: asyncio.Event | None = None,
        failure: MediaRefused | None = None,
        is_partial: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._events, self._needs_all = list(events), needs_all
        self._gate, self._failure, self._is_partial = gate, failure, is_partial
        self._seconds = seconds
        self._data = bytearray()
        self._came, self._is_whole = asyncio.Event(), asyncio.Event()
        self.is_open = False
        self.was_freed = False
        self.taken = 0

    async def __aenter__(self) -> Self:
        self.is_open = True
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.is_open, self.was_freed = False, True

    async def feed(self, chunk: bytes) -> None:
        self._data += chunk
        self._came.set()

    async def finish(self) -> None:
        self._came.set()
        self._is_whole.set()

    async def events(self) -> AsyncIterator[VideoEvent]:
        await (self._is_whole if self._needs_all else self._came).wait()
        for event in self._events:
            if self._gate is not None and self.taken:
                await self._gate.wait()
            self.taken += 1
            yield event
        await self._is_whole.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def is_waiting_for_index(self) -> bool:
        return self._needs_all and not self._is_whole.is_set()

    @property
    def facts(self) -> MediaFacts | None:
        if not self.taken:
            return None
        return MediaFacts(
            hashlib.sha256(self._data).hexdigest(),
            MediaFormat.MP4,
            MediaKind.VIDEO,
            2,
            2,
            250,
            len(self._events),
            len(self._data),
            self._seconds,
            self._is_partial,
        )


class FakeVideoDecoder:
    """A ``VideoDecoder`` that hands out one reading."""

    def __init__(self, reading: FakeVideoReading) -> None:
        self.reading = reading
        self.with_sound: bool | None = None
        self.needs_pictures: bool | None = None

    def open(self, *, with_sound: bool = False, needs_pictures: bool = True) -> FakeVideoReading:
        self.with_sound, self.needs_pictures = with_sound, needs_pictures
        return self.reading


class FakeLook:
    """Stands for ``LookAtPicture``: what is found in the frame that is shown at a time.

    ``found`` has categories and scores by time, ``texts`` what is read. ``gate`` holds it until it
    is set; ``asked`` are the times that were looked at.
    """

    def __init__(
        self,
        found: Mapping[float, Mapping[str, float]] | None = None,
        texts: Mapping[float, str] | None = None,
        *,
        gate: asyncio.Event | None = None,
        status: OutcomeStatus = OutcomeStatus.RAN,
    ) -> None:
        self.found, self.texts, self.gate, self.status = found or {}, texts or {}, gate, status
        self.asked: list[float] = []
        self.until_settled: set[bool] = set()
        self.cancelled = 0

    async def __call__(
        self,
        picture: Picture,
        policy: Policy,
        *,
        deadline_seconds: float,
        until_settled: bool,
        blocked_terms: tuple[str, ...] = (),
    ) -> PictureSignals:
        self.until_settled.add(until_settled)
        (shown,) = picture.frames
        at = shown.start_seconds
        self.asked.append(at)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        text = self.texts.get(at)
        return PictureSignals(
            Signals(
                tuple(
                    ImageFinding(name, score, "as told", "eyes", "1", frame_index=shown.index)
                    for name, score in self.found.get(at, {}).items()
                ),
                (ClassifierOutcome(EYES, self.status),),
            ),
            texts=(ImageText(text, 0.9),) if text else (),
        )


class FakeFrameEncoder:
    """A ``FrameEncoder`` whose files say when the frame is shown."""

    def __init__(self) -> None:
        self.encoded = 0

    async def encode(self, shown: Frame) -> bytes:
        self.encoded += 1
        return b"\xff\xd8\xff" + f"{shown.start_seconds}".encode()


class FakeTranscriber:
    """A ``Transcriber`` that hears what the sound's bytes say. ``failure`` is raised."""

    card = ClassifierCard("hearing", "1", frozenset())

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    async def transcribe(self, sound: Sound) -> tuple[SpokenText, ...]:
        if self.failure is not None:
            raise self.failure
        if not sound.pcm:
            return ()
        return (SpokenText(sound.start_seconds, sound.end_seconds, sound.pcm.decode()),)


def subtitle(start: float, end: float, text: str) -> Subtitle:
    """A line of subtitles."""
    return Subtitle(start, end, text)


def sound(start: float, end: float, said: str) -> Sound:
    """A stretch of sound in which this is said."""
    return Sound(start, end, said.encode())

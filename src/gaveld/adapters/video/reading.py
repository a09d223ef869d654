"""One video from its first byte to its last event: spools what comes, and hears what it shows.

It decides what the bytes are, and checks each thing that a worker says before it is believed.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

from gaveld.adapters.video.limits import VideoLimits, too_long
from gaveld.adapters.video.process import START_SECONDS, TooLong, WorkerLost, WorkerProcess
from gaveld.adapters.video.protocol import MAX_SUBTITLE_CHARACTERS, MAX_SUBTITLES, Order
from gaveld.adapters.video.spool import Spool
from gaveld.domain.media import Frame, MediaFacts, MediaKind, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import (
    SIGNATURE_BYTES,
    MediaFamily,
    MediaFormat,
    described,
    format_of,
)
from gaveld.domain.videos import SampledFrame, Sound, Subtitle, VideoEvent

Message = tuple[dict[str, Any], bytes]

_MAX_SUBTITLE_BYTES: Final = 4 * MAX_SUBTITLE_CHARACTERS
_SAMPLE_BYTES: Final = 2
_HEARD: Final = frozenset({MediaFamily.VIDEO, MediaFamily.SOUND})


class ProcessVideoReading:
    """A ``VideoReading`` by a worker that ``take`` gives and ``give_back`` ends."""

    def __init__(
        self,
        limits: VideoLimits,
        take: Callable[[], Awaitable[WorkerProcess]],
        give_back: Callable[[WorkerProcess], Awaitable[None]],
        *,
        with_sound: bool,
        needs_pictures: bool = True,
    ) -> None:
        self._limits = limits
        self._take = take
        self._give_back = give_back
        self._with_sound = with_sound
        self._needs_pictures = needs_pictures
        self._worker: WorkerProcess | None = None
        self._spool: Spool | None = None
        self._format: MediaFormat | None = None
        self._refused: MediaRefused | None = None
        self._is_known = asyncio.Event()
        self._is_whole = False
        self._is_ready = False
        self._is_starved = False
        self._is_waiting = False
        self._waited_since = 0.0
        self._shown = _Shown(limits)

    async def __aenter__(self) -> Self:
        """Get a worker, in turn."""
        self._worker = await self._take()
        self._spool = self._worker.spool
        return self

    async def __aexit__(self, *failure: object) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await self._give_back(worker)

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; see the port."""
        worker = self._open_worker
        if worker.spool.size + len(chunk) > self._limits.max_bytes:
            self._refused = MediaRefused(
                MediaRefusal.TOO_MANY_BYTES, limit="bytes", maximum=str(self._limits.max_bytes)
            )
            await self.finish()
            raise self._refused
        await asyncio.to_thread(worker.spool.append, chunk, SIGNATURE_BYTES)
        if self._is_known.is_set():
            worker.ring()
        elif worker.spool.size >= SIGNATURE_BYTES:
            self._know()
        self._not_starved()

    async def finish(self) -> None:
        """Say that the file is whole."""
        self._is_whole = True
        if not self._is_known.is_set():
            self._know()
        self._open_worker.close_bell()
        self._not_starved()

    @property
    def is_waiting_for_index(self) -> bool:
        """Whether the index is at the end of a file that is not whole yet."""
        return self._is_waiting and not self._is_whole

    @property
    def facts(self) -> MediaFacts | None:
        """What is known of the file."""
        shown, spool = self._shown, self._spool
        if spool is None or self._format is None or not shown.is_understood:
            return None
        return MediaFacts(
            sha256=spool.sha256,
            format=self._format,
            kind=MediaKind.VIDEO if self._needs_pictures or shown.width else MediaKind.AUDIO,
            width_pixels=shown.width,
            height_pixels=shown.height,
            frame_count=shown.frame_count,
            judged_frame_count=shown.judged,
            byte_count=spool.size,
            duration_seconds=shown.duration_seconds,
            is_partial=shown.is_partial,
        )

    async def events(self) -> AsyncIterator[VideoEvent]:
        """Yield what is decoded; see the port."""
        await self._is_known.wait()
        try:
            while not self._shown.is_over:
                if self._refused is not None:
                    raise self._refused
                event = self._event(*await self._heard())
                if event is not None:
                    yield event
        except TooLong:
            raise too_long(self._limits) from None
        except (WorkerLost, ValueError, TypeError, LookupError, AttributeError):
            raise MediaRefused(MediaRefusal.DECODER_CRASHED, format=self._named) from None

    @property
    def _open_worker(self) -> WorkerProcess:
        if self._worker is None:
            raise RuntimeError("the reading is not open")
        return self._worker

    @property
    def _named(self) -> str:
        return "" if self._format is None else self._format.value

    def _know(self) -> None:
        """Tell from the first bytes what the file is, and have it read."""
        worker = self._open_worker
        self._format = format_of(worker.spool.head)
        families = {MediaFamily.VIDEO} if self._needs_pictures else _HEARD
        if self._format is None or self._format.family not in families:
            detected = described(worker.spool.head)
            self._refused = MediaRefused(MediaRefusal.FORMAT_NOT_SUPPORTED, detected=detected)
        else:
            worker.order(Order(self._format.value, self._with_sound, self._needs_pictures))
        self._is_known.set()

    def _not_starved(self) -> None:
        if self._is_starved:
            self._is_starved = False
            self._waited_since = time.monotonic()

    async def _heard(self) -> Message:
        """Return the worker's next message. Raises ``TooLong`` if it hangs, and ``WorkerLost``."""
        hearing = asyncio.ensure_future(self._open_worker.heard())
        self._waited_since = time.monotonic()
        try:
            while not hearing.done():
                await asyncio.wait({hearing}, timeout=self._patience_seconds)
                if not hearing.done() and self._patience_seconds <= 0:
                    raise TooLong
            return hearing.result()
        finally:
            hearing.cancel()

    @property
    def _patience_seconds(self) -> float:
        longest = self._limits.silent_seconds if self._is_ready else START_SECONDS
        if self._is_starved:
            return longest
        return self._waited_since + longest - time.monotonic()

    def _event(self, head: dict[str, Any], body: bytes) -> VideoEvent | None:
        """Return what a message says; None if it is about the reading itself."""
        if "ready" in head:
            self._is_ready = True
        elif "starved" in head:
            self._is_starved = not self._is_whole and head["starved"] == self._size
        elif "waiting" in head:
            self._is_waiting = True
        elif "refused" in head:
            detail = {str(name): str(value) for name, value in head["detail"].items()}
            raise MediaRefused(MediaRefusal(head["refused"]), **detail)
        elif "too_big" in head:
            maximum = str(self._limits.memory_bytes)
            raise MediaRefused(
                MediaRefusal.DECODING_TOO_BIG, limit="decode_memory_bytes", maximum=maximum
            )
        elif "alive" not in head:
            return self._shown.hear(head, body)
        return None

    @property
    def _size(self) -> int:
        return self._open_worker.spool.size


class _Shown:
    """What a worker has said of the file so far. Raises ``ValueError`` and the like for lies."""

    def __init__(self, limits: VideoLimits) -> None:
        self.is_understood = False
        self.is_over = False
        self.is_partial = False
        self.width = 0
        self.height = 0
        self.frame_count = 0
        self.duration_seconds: float | None = None
        self.judged = 0
        self._limits = limits
        self._subtitles = 0
        self._latest = 0.0

    def hear(self, head: dict[str, Any], body: bytes) -> VideoEvent | None:
        """Return the event that a message is; None if it is about the file as a whole."""
        ((kind, told),) = head.items()
        match kind:
            case "frame":
                return self._frame(told, body)
            case "subtitle":
                return self._subtitle(told, body)
            case "sound":
                return self._sound(told, body)
            case "claims":
                self.is_understood = True
                self._count(*told)
            case "size":
                self.width, self.height = (_natural(side) for side in told)
            case "done":
                self.is_over = True
                frame_count, duration_seconds, is_partial = told
                self._count(frame_count, duration_seconds)
                self.is_partial = bool(is_partial)
            case _:
                raise ValueError("no such message")
        return None

    def _count(self, frame_count: Any, duration_seconds: Any) -> None:
        self.frame_count = _natural(frame_count)
        self.duration_seconds = None if duration_seconds is None else _time(duration_seconds)

    def _frame(self, told: list[Any], body: bytes) -> SampledFrame:
        at, width, height, is_scene_change = told
        if self.judged >= self._limits.max_frames or _time(at) < self._latest:
            raise ValueError("more frames than there may be, or out of order")
        frame = Frame(self.judged, _time(at), _natural(width), _natural(height), memoryview(body))
        self.judged += 1
        self._latest = frame.start_seconds
        return SampledFrame(frame, bool(is_scene_change))

    def _subtitle(self, told: list[Any], body: bytes) -> Subtitle:
        start, end = map(_time, told)
        self._subtitles += 1
        if self._subtitles > MAX_SUBTITLES or len(body) > _MAX_SUBTITLE_BYTES or end < start:
            raise ValueError("more subtitles than there may be, or longer")
        return Subtitle(start, end, body.decode())

    def _sound(self, told: list[Any], body: bytes) -> Sound:
        start, end = map(_time, told)
        if len(body) % _SAMPLE_BYTES or end < start:
            raise ValueError("no stretch of sound")
        return Sound(start, end, body)


def _natural(value: Any) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("a negative number")
    return number


def _time(value: Any) -> float:
    seconds = float(value)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError("no time")
    return seconds

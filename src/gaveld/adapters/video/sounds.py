"""Cuts a sound track into stretches of what speech recognisers hear: one channel at 16 kHz."""

from collections.abc import Callable
from typing import Any, Final

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.packet import Packet

from gaveld.adapters.video.protocol import SOUND_BYTES, SOUND_RATE
from gaveld.adapters.video.tracks import Clock

GAP_SECONDS: Final = 0.5
"""A longer silence between two packets ends a stretch."""

_BYTES_A_SECOND: Final = 2 * SOUND_RATE

Emit = Callable[[float, float, bytes], None]


class SoundTrack:
    """One sound track of a file, from packets to stretches.

    ``emit`` is called with the times that a stretch begins and ends at, and its samples. ``tick``
    is called before each packet is decoded.
    """

    def __init__(
        self, decoder: AudioCodecContext, clock: Clock, emit: Emit, tick: Callable[[], None]
    ) -> None:
        self.failed_count = 0
        self._decoder = decoder
        self._clock = clock
        self._emit = emit
        self._tick = tick
        self._resampler = _resampler()
        self._start = 0.0
        self._samples = bytearray()

    def take(self, packet: "Packet[Any] | None") -> None:
        """Take the next packet; None stands for the end of the track."""
        self._tick()
        try:
            for frame in self._decoder.decode(packet):
                self._hear(frame)
        except MemoryError:
            raise
        except (FFmpegError, ValueError):
            self.failed_count += 1
            self._resampler = _resampler()
        if packet is None:
            self._flush()

    def _hear(self, frame: AudioFrame) -> None:
        at = self._clock.shown_seconds(frame)
        if abs(at - self._end) > GAP_SECONDS:
            self._flush()
        if not self._samples:
            self._start = at
        for part in self._resampler.resample(frame):
            self._samples += bytes(part.planes[0])[: 2 * part.samples]
        while len(self._samples) >= SOUND_BYTES:
            self._hand_on(SOUND_BYTES)

    @property
    def _end(self) -> float:
        return self._start + len(self._samples) / _BYTES_A_SECOND

    def _flush(self) -> None:
        if self._samples:
            self._hand_on(len(self._samples))

    def _hand_on(self, size: int) -> None:
        end = self._start + size / _BYTES_A_SECOND
        self._emit(self._start, end, bytes(self._samples[:size]))
        del self._samples[:size]
        self._start = end


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=SOUND_RATE)

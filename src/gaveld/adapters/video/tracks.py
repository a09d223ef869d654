"""Decodes of a video's track only what has to be looked at.

Packets wait undecoded until a sample is due among them; a keyframe makes those before it needless.
Keyframes are looked at by themselves, which finds new scenes cheaply; they are the samples where
they come often enough.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal

from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from gaveld.adapters.video.pictures import Developer, difference, is_whole_by_itself
from gaveld.adapters.video.sampling import SamplingPlan

MAX_WAITING_BYTES: Final = 8 << 20
MAX_WAITING_PACKETS: Final = 1_000
"""More packets than this are decoded without waiting for a sample to be due."""

NEW_SCENE: Final = 0.1
"""Glances this far apart are of different scenes."""

BACKWARD_SECONDS: Final = 1.0
"""A track whose times fall by more begins anew; less is the order of decoding."""

Skipped = Literal["DEFAULT", "NONREF"]
Emit = Callable[[VideoFrame, float, bool], None]


class KeyframesLie(Exception):  # noqa: N818 - the state; it has the file read again
    """What the container calls a keyframe can't be decoded by itself."""


class Clock:
    """Turns a track's times into seconds from the video's beginning, which never fall far."""

    def __init__(self, time_base: Fraction, start_seconds: float | None) -> None:
        self._time_base = float(time_base)
        self._start = start_seconds
        self.latest = 0.0
        self.end = 0.0

    def seconds(self, packet: "Packet[Any]") -> float:
        """Return when a packet is shown; as the one before where it does not say."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return self.latest
        at = stamp * self._time_base
        if self._start is None:
            self._start = at
        if at - self._start < self.latest - BACKWARD_SECONDS:
            self._start = at - self.latest
        at = _rounded(at - self._start)
        self.latest = max(self.latest, at)
        self.end = max(self.end, at + max(0, packet.duration or 0) * self._time_base)
        return at

    def shown_seconds(self, frame: VideoFrame | AudioFrame) -> float:
        """Return when a decoded frame is shown."""
        if frame.pts is None or frame.time_base is None:
            return self.latest
        return _rounded(float(frame.pts * frame.time_base) - (self._start or 0.0))


def _rounded(seconds: float) -> float:
    return max(0.0, round(seconds, 6))


@dataclass(frozen=True, slots=True)
class _Waiting:
    packet: "Packet[Any]"
    seconds: float


class VideoTrack:
    """One video track of a file, from packets to samples.

    ``emit`` is called with each sampled frame, its time, and whether a new scene begins there;
    ``tick`` before each packet is decoded. Unless ``trusts_keyframes``, every packet is.
    """

    def __init__(
        self,
        decoder: VideoCodecContext,
        clock: Clock,
        plan: SamplingPlan,
        developer: Developer,
        emit: Emit,
        tick: Callable[[], None],
        *,
        trusts_keyframes: bool,
    ) -> None:
        self.clock = clock
        self.packet_count = 0
        self.failed_count = 0
        self._decoder = decoder
        self._plan = plan
        self._developer = developer
        self._emit = emit
        self._tick = tick
        self._trusts_keyframes = trusts_keyframes
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._candidate: tuple[VideoFrame, float] | None = None
        self._last_glance: bytes | None = None
        self._last_time = plan.last_seconds
        self._since_sample = 0

    def take(self, packet: "Packet[Any]") -> None:
        """Take the next packet. Raises ``KeyframesLie``."""
        self.packet_count += 1
        self._since_sample += 1
        if self._plan.is_spent:
            self.clock.seconds(packet)
            return
        at = self.clock.seconds(packet)
        if at >= self._plan.due_seconds and self._candidate is not None:
            candidate, self._candidate = self._candidate, None
            self._consider(*candidate, is_due=True)
        if packet.is_keyframe and self._trusts_keyframes:
            self._restart()
            self._look_alone(packet, at)
        self._wait(packet, at)
        if self._is_due(at):
            self._decode_waiting()

    def finish(self) -> None:
        """Decode what is still due."""
        if not self._plan.is_spent and self._is_due(self.clock.latest):
            self._decode_waiting()
        if not self._plan.is_spent:
            self._show(self._decoded(None))

    def _is_due(self, at: float) -> bool:
        return (
            not self._trusts_keyframes
            or at >= self._plan.due_seconds
            or self._since_sample >= self._plan.max_frames_between
            or self._waiting_bytes > MAX_WAITING_BYTES
            or len(self._waiting) > MAX_WAITING_PACKETS
        )

    def _wait(self, packet: "Packet[Any]", at: float) -> None:
        self._waiting.append(_Waiting(packet, at))
        self._waiting_bytes += packet.size

    def _restart(self) -> None:
        """Forget what was not decoded, and what decoders keep of it."""
        self._waiting.clear()
        self._waiting_bytes = 0
        if self._decoder.is_open:
            self._decoder.flush_buffers()

    def _look_alone(self, packet: "Packet[Any]", at: float) -> None:
        """Decode a keyframe by itself, if it is time to look at one."""
        is_due = at >= self._plan.due_seconds
        if not self._plan.may_look(at) and not is_due:
            return
        frames = [*self._decoded(packet), *self._decoded(None)]
        self._decoder.flush_buffers()
        if frames and is_whole_by_itself(frames[0]):
            is_sampled = self._consider(frames[0], at, is_due=is_due)
            is_kept = not is_sampled and self._plan.is_far(at)
            self._candidate = (frames[0], at) if is_kept else None
        elif not packet.is_corrupt:
            raise KeyframesLie

    def _decode_waiting(self) -> None:
        """Decode what waits, from the last keyframe on, and sample what is due in it."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for entry in waiting:
            is_needed = entry.seconds >= self._plan.due_seconds
            self._show(self._decoded(entry.packet, skip="DEFAULT" if is_needed else "NONREF"))

    def _show(self, frames: Iterator[VideoFrame]) -> None:
        for frame in frames:
            at = self.clock.shown_seconds(frame)
            if at < self._last_time or self._plan.is_spent:
                continue
            is_due = at >= self._plan.due_seconds
            is_due = is_due or self._since_sample >= self._plan.max_frames_between
            if is_due or self._plan.may_look(at):
                self._consider(frame, at, is_due=is_due)

    def _consider(self, frame: VideoFrame, at: float, *, is_due: bool) -> bool:
        """Sample a frame that is due or shows another scene, and return whether it was."""
        at = max(at, self._last_time)
        with self._bearing_failure():
            glance = self._developer.glance(frame)
            apart = difference(glance, self._last_glance) if self._last_glance else 0.0
            is_new_scene = apart >= NEW_SCENE
            if is_due or (is_new_scene and self._plan.may_take_scene()):
                self._sample(frame, at, glance, is_new_scene=is_new_scene)
                return True
        return False

    def _sample(
        self, frame: VideoFrame, at: float, glance: bytes, *, is_new_scene: bool = False
    ) -> None:
        self._tick()
        self._emit(frame, at, is_new_scene)
        self._last_glance = glance
        self._last_time = at
        self._since_sample = 0
        self._plan.take(at)

    def _decoded(
        self, packet: "Packet[Any] | None", skip: Skipped = "DEFAULT"
    ) -> Iterator[VideoFrame]:
        """Yield what a packet shows, or without one what the decoder holds back."""
        self._tick()
        self._decoder.skip_frame = skip
        with self._bearing_failure():
            yield from self._decoder.decode(packet)

    @contextmanager
    def _bearing_failure(self) -> Iterator[None]:
        """Count what can't be decoded or developed, and go on."""
        try:
            yield
        except MemoryError:
            raise
        except (FFmpegError, ValueError):
            self.failed_count += 1

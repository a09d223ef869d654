"""Reads one video from end to end in a worker: opens it, and hands on what its tracks show."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard, Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle
from av.video.codeccontext import VideoCodecContext

from gaveld.adapters.video.arriving import Arrivals
from gaveld.adapters.video.budget import Budget, CutShort
from gaveld.adapters.video.containers import (
    SOUND_CODECS,
    SUBTITLE_CODECS,
    VIDEO_CODECS,
    open_container,
)
from gaveld.adapters.video.limits import VideoLimits, too_long
from gaveld.adapters.video.protocol import Order
from gaveld.adapters.video.sampling import SamplingPlan
from gaveld.adapters.video.sounds import SoundTrack
from gaveld.adapters.video.subtitles import shown_text
from gaveld.adapters.video.telling import Telling
from gaveld.adapters.video.tracks import Clock, KeyframesLie, VideoTrack
from gaveld.domain.media import MediaRefusal, MediaRefused

MAX_TRACKS: Final = 4
"""More tracks of a kind are not looked at or heard."""

MISSING_SECONDS: Final = 1.0
MISSING_SHARE: Final = 0.02
"""A file that ends earlier than it claims by more than both is cut off."""

_TIME_BASE: Final = 1_000_000
_UNREAD: Final = frozenset({"data", "attachment", "unknown"})
_SUBTITLE_SECONDS: Final = 5.0
"""How long a subtitle is taken to be shown that does not say."""


def extract(
    arrivals: Arrivals,
    order: Order,
    limits: VideoLimits,
    telling: Telling,
    tell_alive: Callable[[], None],
    tell_waiting: Callable[[], None],
) -> None:
    """Read a file and tell what it shows. Raises ``MediaRefused`` and ``MemoryError``.

    A file that lies about its keyframes is read a second time, every packet of it decoded.
    """
    budget = Budget(limits, tell_alive)
    plans: dict[int, SamplingPlan] = {}
    for trusts_keyframes in (True, False):
        budget.begin()
        with _opened(arrivals, order, limits, tell_waiting) as container:
            reading = Reading(container, order, limits, budget, telling)
            reading.prepare(plans, trusts_keyframes=trusts_keyframes)
            try:
                reading.run()
            except KeyframesLie:
                telling.begin_again()
                continue
        return


def _opened(
    arrivals: Arrivals, order: Order, limits: VideoLimits, tell_waiting: Callable[[], None]
) -> InputContainer:
    try:
        return open_container(arrivals, order.format, limits.max_pixels, tell_waiting)
    except MemoryError:
        raise
    except (FFmpegError, ValueError, OSError):
        raise MediaRefused(MediaRefusal.DAMAGED) from None


class Reading:
    """One pass over a container."""

    def __init__(
        self,
        container: InputContainer,
        order: Order,
        limits: VideoLimits,
        budget: Budget,
        telling: Telling,
    ) -> None:
        self._container = container
        self._order = order
        self._limits = limits
        self._budget = budget
        self._telling = telling
        self._is_partial = False
        start = container.start_time
        self._start_seconds = None if start is None else start / _TIME_BASE
        self._claimed_seconds = (container.duration or 0) / _TIME_BASE or None
        self._clocks: dict[int, Clock] = {}
        self._videos: dict[int, VideoTrack] = {}
        self._sounds: dict[int, SoundTrack] = {}
        self._subtitles: dict[int, SubtitleCodecContext] = {}

    def prepare(self, plans: dict[int, SamplingPlan], *, trusts_keyframes: bool) -> None:
        """Choose tracks. ``plans`` are those of an earlier pass, and filled by the first.

        Raises ``MediaRefused`` for a file without a track to look at, or to hear if that will do.
        """
        streams = self._container.streams
        videos = self._judged(streams.video, VIDEO_CODECS)
        sounds = self._judged(streams.audio, SOUND_CODECS) if self._order.with_sound else []
        if not videos and (self._order.needs_pictures or not sounds):
            raise _refused_without_video(self._container)
        for video in videos:
            plan = plans.setdefault(video.index, self._plan(len(videos)))
            self._videos[video.index] = self._video_track(
                video, plan, trusts_keyframes=trusts_keyframes
            )
        for sound in sounds:
            self._sounds[sound.index] = self._sound_track(sound)
        for lines in streams.subtitles:
            if _codec_name(lines) in SUBTITLE_CODECS:
                self._subtitles[lines.index] = lines.codec_context
        for stream in streams:
            if stream.type in _UNREAD:
                stream.discard = Discard.all
            elif stream.time_base is not None:
                self._clocks.setdefault(stream.index, self._clock(stream))
        frame_count = max((video.frames for video in videos), default=0)
        self._telling.describe(max(0, frame_count), self._claimed_seconds)

    def run(self) -> None:
        """Read all packets, tell what they show. Raises ``MediaRefused`` and ``KeyframesLie``."""
        try:
            for packet in self._packets():
                self._step()
                self._take(packet)
            for track in self._videos.values():
                track.finish()
            for sound in self._sounds.values():
                sound.take(None)
        except CutShort:
            self._is_partial = True
            if not self._has_told:
                raise too_long(self._limits) from None
        self._finish()

    def _finish(self) -> None:
        videos = self._videos.values()
        if not self._has_told:
            raise MediaRefused(MediaRefusal.DAMAGED)
        failed = sum(track.failed_count for track in videos)
        failed += sum(track.failed_count for track in self._sounds.values())
        end = max(clock.end for clock in self._clocks.values())
        missing = (self._claimed_seconds or 0.0) - end
        is_short = missing > max(MISSING_SECONDS, MISSING_SHARE * (self._claimed_seconds or 0.0))
        frame_count = max((track.packet_count for track in videos), default=0)
        self._telling.finish(
            frame_count, end or None, is_partial=self._is_partial or is_short or failed > 0
        )

    def _packets(self) -> Iterable["Packet[Any]"]:
        """Yield the packets up to where the file ends, or can't be read any further."""
        try:
            for packet in self._container.demux():
                if packet.size:
                    yield packet
        except MemoryError:
            raise
        except (FFmpegError, ValueError, OSError):
            self._is_partial = True

    def _take(self, packet: "Packet[Any]") -> None:
        index = packet.stream_index
        if packet.is_corrupt:
            self._is_partial = True
        if index in self._videos:
            self._videos[index].take(packet)
            return
        if index not in self._clocks:
            return
        at = self._clocks[index].seconds(packet)
        if index in self._sounds:
            self._sounds[index].take(packet)
        elif index in self._subtitles:
            self._read_subtitle(self._subtitles[index], packet, at)

    def _read_subtitle(
        self, decoder: SubtitleCodecContext, packet: "Packet[Any]", at: float
    ) -> None:
        length = float((packet.duration or 0) * packet.time_base)
        try:
            shown = decoder.decode2(packet)
        except MemoryError:
            raise
        except (FFmpegError, ValueError):
            self._is_partial = True
            return
        for line in shown or ():
            text = shown_text(line.ass) if isinstance(line, AssSubtitle) else ""
            if text:
                self._telling.subtitle(at, at + (length or _SUBTITLE_SECONDS), text)

    @property
    def _has_told(self) -> bool:
        """Whether anything of what the file is for was handed on."""
        return bool(self._telling.frame_count if self._videos else self._telling.sound_count)

    def _step(self) -> None:
        played = (clock.latest for clock in self._clocks.values())
        if self._videos:
            played = (track.clock.latest for track in self._videos.values())
        self._budget.step(max(played))

    def _judged(self, streams: Iterable["AnyStream"], codecs: frozenset[str]) -> list["AnyStream"]:
        """Return the streams that are decoded; it is said if others are left out."""
        everything = list(streams)
        known = [stream for stream in everything if _codec_name(stream) in codecs]
        if len(known) < len(everything) or len(known) > MAX_TRACKS:
            self._is_partial = True
        return known[:MAX_TRACKS]

    def _plan(self, tracks: int) -> SamplingPlan:
        return SamplingPlan(
            self._limits.sample_seconds,
            max(1, self._limits.max_frames // tracks),
            self._claimed_seconds,
        )

    def _clock(self, stream: Stream) -> Clock:
        if stream.time_base is None:
            raise MediaRefused(MediaRefusal.DAMAGED)
        return Clock(stream.time_base, self._start_seconds)

    def _video_track(
        self, stream: Stream, plan: SamplingPlan, *, trusts_keyframes: bool
    ) -> VideoTrack:
        decoder = stream.codec_context
        if not isinstance(decoder, VideoCodecContext):
            raise MediaRefused(MediaRefusal.DAMAGED)
        if decoder.width * decoder.height > self._limits.max_pixels:
            maximum = str(self._limits.max_pixels)
            raise MediaRefused(MediaRefusal.TOO_MANY_PIXELS, limit="pixels", maximum=maximum)
        decoder.options = {"max_pixels": str(self._limits.max_pixels)}
        decoder.thread_count = 1
        clock = self._clocks[stream.index] = self._clock(stream)
        return VideoTrack(
            decoder,
            clock,
            plan,
            self._telling.developer,
            self._telling.frame,
            self._step,
            trusts_keyframes=trusts_keyframes,
        )

    def _sound_track(self, stream: Stream) -> SoundTrack:
        decoder = stream.codec_context
        if not isinstance(decoder, AudioCodecContext):
            raise MediaRefused(MediaRefusal.DAMAGED)
        decoder.thread_count = 1
        clock = self._clocks[stream.index] = self._clock(stream)
        return SoundTrack(decoder, clock, self._telling.sound, self._step)


AnyStream = TypeVar("AnyStream", bound=Stream)


def _codec_name(stream: Stream) -> str:
    return "" if stream.codec_context is None else stream.codec_context.name


def _refused_without_video(container: InputContainer) -> MediaRefused:
    if not len(container.streams):
        return MediaRefused(MediaRefusal.DAMAGED)
    names = sorted({_codec_name(stream) for stream in container.streams.video} - {""})
    detail = {"codec": names[0]} if names else {"missing": "video"}
    return MediaRefused(MediaRefusal.FORMAT_NOT_SUPPORTED, **detail)

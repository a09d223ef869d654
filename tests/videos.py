"""Videos that tests draw and encode themselves: containers, codecs, subtitles, sound, and lies."""

import functools
import io
import math
import struct
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.subtitles.subtitle import SubtitleSet
from PIL import Image

from tests.pictures import CORNERS

SIZE = (160, 96)
RATE = 10
SECONDS = 4.0
RED, GREEN, BLUE, YELLOW = CORNERS

CONTAINERS = {
    "moov first": ("mp4", "libx264", {"movflags": "faststart"}),
    "moov last": ("mp4", "libx264", {}),
    "fragmented": ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "mov": ("mov", "mpeg4", {}),
    "mov first": ("mov", "mjpeg", {"movflags": "faststart"}),
    "webm": ("webm", "libvpx-vp9", {}),
    "vp8": ("webm", "libvpx", {}),
    "mkv": ("matroska", "libx264", {}),
    "live mkv": ("matroska", "libx264", {"live": "1"}),
    "hevc": ("matroska", "libx265", {}),
    "av1": ("mp4", "libsvtav1", {"movflags": "faststart"}),
    "avi": ("avi", "mpeg4", {}),
    "avi of jpegs": ("avi", "mjpeg", {}),
    "ts": ("mpegts", "mpeg2video", {}),
    "ts of h264": ("mpegts", "libx264", {}),
}
"""Each kind of file: its container, its codec, and the container's options."""

_QUIET = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
_SSA_HEADER = (
    b"[Script Info]\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n"
    b"[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)
_MILLISECOND = Fraction(1, 1000)
_SOUND_RATE = 48_000
_SOUND_SAMPLES = 1_024
_PITCH = 440


def of_kind(kind: str, **changes: object) -> bytes:
    """A video of one of `CONTAINERS`."""
    container, codec, options = CONTAINERS[kind]
    return video(container, codec, options=options, **changes)


@functools.cache
def ordinary(kind: str = "moov first") -> bytes:
    """Four seconds, red and then blue from 2.5 s on."""
    return of_kind(kind, scenes=((0.0, RED), (2.5, BLUE)))


def video(
    container: str = "mp4",
    codec: str = "libx264",
    *,
    seconds: float = SECONDS,
    rate: int = RATE,
    size: tuple[int, int] = SIZE,
    scenes: Sequence[tuple[float, object]] = ((0.0, RED),),
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    pixels: str = "",
    gop: int = 0,
    rotation: int = 0,
    flipped: bool = False,
    tone_seconds: float = 0.0,
    tone_codec: str = "",
    subtitles: Sequence[tuple[float, float, str]] = (),
    subtitle_codec: str = "",
    times: Sequence[int] | None = None,
) -> bytes:
    """A video file.

    ``scenes`` are colours or pictures and the second from which each is shown. ``times`` gives
    each frame its time, in frames, instead of one after another.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video")
        with av.open(str(path), "w", format=container, options=options or {}) as output:
            stream = output.add_stream(codec, rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = pixels or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
            stream.codec_context.options = _QUIET.get(codec, {}) | (codec_options or {})
            stream.codec_context.thread_count = 1
            if gop:
                stream.gop_size = gop
            if rotation or flipped:
                stream.set_display_rotation(rotation, hflip=flipped)
            lines = _subtitle_packets(output, container, subtitles, subtitle_codec)
            sound = _sound_packets(output, container, tone_seconds, tone_codec)
            count = len(times) if times is not None else round(seconds * rate)
            for number in range(count):
                frame = av.VideoFrame.from_image(_scene(scenes, number / rate, size))
                frame.pts = number if times is None else times[number]
                frame.time_base = Fraction(1, rate)
                output.mux(stream.encode(frame))
                _mux_until(output, lines, number / rate)
                _mux_until(output, sound, number / rate)
            output.mux(stream.encode(None))
            _mux_until(output, lines, math.inf)
            _mux_until(output, sound, math.inf)
        return path.read_bytes()


def sound_alone(container: str = "mp4", codec: str = "", seconds: float = 1.0) -> bytes:
    """A file without a video track."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        _mux_until(output, _sound_packets(output, container, seconds, codec), math.inf)
    return buffer.getvalue()


def with_keyframes(data: bytes, container: str, *, everywhere: bool) -> bytes:
    """The file with every packet called a keyframe, or none."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(buffer, "w", format=container) as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        for packet in given.demux():
            if packet.size:
                packet.is_keyframe, packet.stream = everywhere, stream
                output.mux(packet)
    return buffer.getvalue()


def boxes(data: bytes) -> dict[str, tuple[int, int]]:
    """Where the outer boxes of an MP4 file are: the last of each kind, from and to."""
    found, at = {}, 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found[data[at + 4 : at + 8].decode("latin-1")] = (at, at + size)
        at += size
    return found


def with_number(data: bytes, box: str, offset: int, layout: str, value: int) -> bytes:
    """An MP4 file with another number in each box of a kind, so far behind the box's name."""
    changed, at = bytearray(data), 0
    while (at := changed.find(box.encode(), at)) >= 0:
        struct.pack_into(layout, changed, at + 4 + offset, value)
        at += 4
    return bytes(changed)


def lasting(data: bytes, seconds: int) -> bytes:
    """An MP4 file whose header claims another length for the file and its first track."""
    scale = struct.unpack_from(">I", data, data.find(b"mvhd") + 16)[0]
    data = with_number(data, "mvhd", 16, ">I", seconds * scale)
    return with_number(data, "tkhd", 20, ">I", seconds * scale)


def still_of(hours: int) -> bytes:
    """An MP4 file of one frame that is shown for hours."""
    one = video(seconds=1 / RATE, options={"movflags": "faststart"})
    scale = struct.unpack_from(">I", one, one.find(b"mdhd") + 16)[0]
    length = hours * 3600 * scale
    data = with_number(one, "mdhd", 16, ">I", length)
    data = with_number(data, "stts", 12, ">I", length)
    return lasting(data, hours * 3600)


def _scene(scenes: Sequence[tuple[float, object]], at: float, size: tuple[int, int]) -> Image.Image:
    shown = next(picture for start, picture in reversed(scenes) if start <= at)
    return shown if isinstance(shown, Image.Image) else Image.new("RGB", size, shown)


def _subtitle_packets(output, container, subtitles, codec):
    if not subtitles:
        return iter(())
    default = "subrip" if container == "matroska" else "mov_text"
    stream = output.add_stream(codec or default)
    stream.codec_context.subtitle_header = _SSA_HEADER
    stream.codec_context.time_base = _MILLISECOND
    packets = []
    for start, end, text in subtitles:
        at, length = round(1000 * start), round(1000 * (end - start))
        line = b"0,0,Default,,0,0,0,," + text.encode()
        packet = stream.codec_context.encode_subtitle(SubtitleSet.create(line, 0, length, at))
        packet.stream, packet.time_base = stream, _MILLISECOND
        packet.pts = packet.dts = at
        packet.duration = length
        packets.append((start, packet))
    return iter(packets)


def _sound_packets(output, container, seconds, codec):
    if not seconds:
        return iter(())
    default = {"webm": "libopus", "matroska": "flac", "avi": "libmp3lame"}.get(container, "aac")
    stream = output.add_stream(codec or default, rate=_SOUND_RATE, layout="stereo")
    return _tone(stream, seconds)


def _tone(stream, seconds):
    for first in range(0, round(seconds * _SOUND_RATE), _SOUND_SAMPLES):
        moments = range(first, first + _SOUND_SAMPLES)
        wave = [round(9_000 * math.sin(math.tau * _PITCH * at / _SOUND_RATE)) for at in moments]
        frame = AudioFrame(format="s16", layout="stereo", samples=_SOUND_SAMPLES)
        frame.planes[0].update(struct.pack(f"<{2 * len(wave)}h", *(w for w in wave for _ in "lr")))
        frame.sample_rate, frame.pts = _SOUND_RATE, first
        frame.time_base = Fraction(1, _SOUND_RATE)
        for packet in stream.encode(frame):
            yield first / _SOUND_RATE, packet
    for packet in stream.encode(None):
        yield seconds, packet


def _mux_until(output, packets, at: float) -> None:
    for moment, packet in packets:
        output.mux(packet)
        if moment >= at:
            return

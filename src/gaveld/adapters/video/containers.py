"""Opens a container of the format that its parent named, and nothing that it points to.

Formats and codecs are those on the lists here. Nothing else is opened on a file's behalf: no
address, no other file, no playlist.
"""

from collections.abc import Callable
from typing import Any, Final

import av
from av.container import InputContainer

from gaveld.adapters.video.arriving import Arrivals, ArrivingFile
from gaveld.domain.media import MediaRefusal, MediaRefused

VIDEO_CODECS: Final = frozenset(
    {
        "av1",
        "h263",
        "h264",
        "hevc",
        "libdav1d",
        "mjpeg",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "msmpeg4",
        "msmpeg4v2",
        "png",
        "prores",
        "vp8",
        "vp9",
    }
)
SOUND_CODECS: Final = frozenset(
    {
        "aac",
        "ac3",
        "alac",
        "amrnb",
        "amrwb",
        "eac3",
        "flac",
        "libopencore_amrnb",
        "libopencore_amrwb",
        "libopus",
        "mp2",
        "mp2float",
        "mp3",
        "mp3float",
        "opus",
        "pcm_alaw",
        "pcm_f32le",
        "pcm_mulaw",
        "pcm_s16be",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_u8",
        "vorbis",
    }
)
SUBTITLE_CODECS: Final = frozenset({"ass", "mov_text", "ssa", "srt", "subrip", "text", "webvtt"})

_DEMUXERS: Final = {
    "mp4": "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska": "matroska,webm",
    "avi": "avi,srt,ass",  # its subtitles are files within the file
    "mpegts": "mpegts",
    "wav": "wav",
    "mp3": "mp3",
    "ogg": "ogg",
    "flac": "flac",
}
_MP4: Final = "mp4"
_INDEX: Final = b"moov"
_FRAMES: Final = b"mdat"
_BOX_HEAD: Final = 16
_LONG_BOX: Final = 1
_MAX_BOXES: Final = 1_000
_READ_BYTES: Final = 1 << 15


def open_container(
    arrivals: Arrivals, of: str, max_pixels: int, tell_waiting: Callable[[], None]
) -> InputContainer:
    """Return the container, as soon as enough of it is there.

    ``tell_waiting`` is called before waiting for the whole file, whose index is at its end. Raises
    ``MediaRefused`` and what the library raises.
    """
    is_seekable = of == _MP4 and not index_comes_first(arrivals)
    if is_seekable:
        tell_waiting()
        arrivals.whole_size()
    return av.open(
        ArrivingFile(arrivals, is_seekable=is_seekable),
        mode="r",
        format=of,
        options=_options(of, max_pixels),
        metadata_errors="replace",
        buffer_size=_READ_BYTES,
        io_open=_refuse_to_open,
    )


def index_comes_first(arrivals: Arrivals) -> bool:
    """Return whether a file in boxes can be read forwards: its index stands before its frames."""
    at = 0
    for _ in range(_MAX_BOXES):
        head = arrivals.part(at, _BOX_HEAD)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind == _FRAMES:
            return False
        if kind == _INDEX or len(head) < _BOX_HEAD:
            return True
        if size == _LONG_BOX:
            size = int.from_bytes(head[8:], "big")
        if size < 8:  # noqa: PLR2004 - the bytes that say how long a box is, and which
            return True
        at += size
    return True


def _options(of: str, max_pixels: int) -> dict[str, str]:
    codecs = sorted(VIDEO_CODECS | SOUND_CODECS | SUBTITLE_CODECS)
    return {
        "format_whitelist": _DEMUXERS[of],
        "codec_whitelist": ",".join(codecs),
        "protocol_whitelist": "none",
        "max_streams": "64",
        "max_pixels": str(max_pixels),
        "probesize": str(1 << 20),
        "analyzeduration": "2000000",
    }


def _refuse_to_open(*_: Any) -> None:
    raise MediaRefused(MediaRefusal.DAMAGED)

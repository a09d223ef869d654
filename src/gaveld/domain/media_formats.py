"""Tells from a file's first bytes what it is; a name or a header never counts.

It knows the formats that are judged, and names some others so that a refusal can say what came.
A signature proves nothing more: whether the file is whole, its decoder finds out.
"""

import re
from enum import StrEnum
from typing import Final

SIGNATURE_BYTES: Final = 512
"""So many first bytes are enough to tell; fewer are if the file is shorter."""


class MediaFamily(StrEnum):
    """What a format is for, and so which limits it has."""

    PICTURE = "picture"
    VIDEO = "video"
    SOUND = "sound"


class MediaFormat(StrEnum):
    """A format that is judged. Names of videos and sounds are those that decoders know.

    A video's container may hold a sound alone.
    """

    PNG = "PNG"
    JPEG = "JPEG"
    GIF = "GIF"
    WEBP = "WEBP"
    BMP = "BMP"
    TIFF = "TIFF"
    AVIF = "AVIF"
    MP4 = "mp4"
    MATROSKA = "matroska"
    AVI = "avi"
    MPEG_TS = "mpegts"
    WAV = "wav"
    MP3 = "mp3"
    OGG = "ogg"
    FLAC = "flac"

    @property
    def family(self) -> MediaFamily:
        """Whether files of the format are pictures, videos or sounds."""
        if self in _SOUNDS:
            return MediaFamily.SOUND
        return MediaFamily.VIDEO if self in _VIDEOS else MediaFamily.PICTURE

    @property
    def media_type(self) -> str:
        """The format's registered media type."""
        return _MEDIA_TYPES[self]


_VIDEOS: Final = frozenset(
    {MediaFormat.MP4, MediaFormat.MATROSKA, MediaFormat.AVI, MediaFormat.MPEG_TS}
)
_SOUNDS: Final = frozenset({MediaFormat.WAV, MediaFormat.MP3, MediaFormat.OGG, MediaFormat.FLAC})
_MEDIA_TYPES: Final = {
    MediaFormat.PNG: "image/png",
    MediaFormat.JPEG: "image/jpeg",
    MediaFormat.GIF: "image/gif",
    MediaFormat.WEBP: "image/webp",
    MediaFormat.BMP: "image/bmp",
    MediaFormat.TIFF: "image/tiff",
    MediaFormat.AVIF: "image/avif",
    MediaFormat.MP4: "video/mp4",
    MediaFormat.MATROSKA: "video/webm",
    MediaFormat.AVI: "video/x-msvideo",
    MediaFormat.MPEG_TS: "video/mp2t",
    MediaFormat.WAV: "audio/wav",
    MediaFormat.MP3: "audio/mpeg",
    MediaFormat.OGG: "audio/ogg",
    MediaFormat.FLAC: "audio/flac",
}
_PREFIXES: Final = (
    (b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
    (b"\xff\xd8\xff", MediaFormat.JPEG),
    (b"GIF87a", MediaFormat.GIF),
    (b"GIF89a", MediaFormat.GIF),
    (b"II*\0", MediaFormat.TIFF),
    (b"MM\0*", MediaFormat.TIFF),
    (b"II+\0", MediaFormat.TIFF),
    (b"MM\0+", MediaFormat.TIFF),
    (b"\x1aE\xdf\xa3", MediaFormat.MATROSKA),
    (b"OggS", MediaFormat.OGG),
    (b"fLaC", MediaFormat.FLAC),
    (b"ID3", MediaFormat.MP3),
)
_RIFF: Final = {
    b"WEBP": MediaFormat.WEBP,
    b"AVI ": MediaFormat.AVI,
    b"WAVE": MediaFormat.WAV,
}
_MP3_FRAMES: Final = frozenset({0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB})
"""The second bytes of a frame's head, of MPEG-1, -2 and -2.5; the first is 0xFF."""
_BMP_HEADERS: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIC: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_TS_PACKET_BYTES: Final = 188

_OTHERS: Final = (
    (b"%PDF", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"%!PS", "application/postscript"),
    (b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
)
_MARKUP: Final = (
    (re.compile(rb"<svg[\s>]", re.IGNORECASE), "image/svg+xml"),
    (re.compile(rb"<(?:!doctype html|html|head|body|script|iframe)\b", re.IGNORECASE), "text/html"),
    (re.compile(rb"^<\?xml"), "application/xml"),
)


def format_of(head: bytes) -> MediaFormat | None:
    """Return the format that the first ``SIGNATURE_BYTES`` of a file name; None for any other."""
    for prefix, known in _PREFIXES:
        if head.startswith(prefix):
            return known
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return MediaFormat.BMP
    if head[:1] == b"\xff" and head[1:2] and head[1] in _MP3_FRAMES:
        return MediaFormat.MP3
    if head[:1] == b"G" and head[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] == b"G":
        return MediaFormat.MPEG_TS
    return _box_format_of(head)


def described(head: bytes) -> str:
    """Return the media type that the first bytes look like, for a refusal to name."""
    known = format_of(head)
    if known is not None:
        return known.media_type
    if not head:
        return "application/x-empty"
    for prefix, media_type in _OTHERS:
        if head.startswith(prefix):
            return media_type
    if head[4:8] == b"ftyp":
        return "image/heic"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, media_type in _MARKUP:
        if text.startswith(b"<") and pattern.search(text):
            return media_type
    return "application/octet-stream" if b"\0" in head else "text/plain"


def _box_format_of(head: bytes) -> MediaFormat | None:
    """Return the format of a file in boxes (ISO base media); its first box lists its brands."""
    if head[4:8] in _QUICKTIME:
        return MediaFormat.MP4
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head) - 3)
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF:
        return MediaFormat.AVIF
    return None if brands & _HEIC else MediaFormat.MP4

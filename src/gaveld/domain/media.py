"""Pictures and videos as they are judged: where a file is, what it proved to be, what it shows.

Also every reason why a file is not judged, as a closed list. Which bytes make which format,
``media_formats`` says; fetching and decoding are the adapters'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gaveld.domain.errors import (
    ErrorReason,
    FailedPrecondition,
    FieldViolation,
    GavelError,
    InvalidRequest,
)
from gaveld.domain.media_formats import MediaFamily, MediaFormat


class MediaKind(StrEnum):
    """What form a file turned out to have."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    AUDIO = "audio"


class MediaRefusal(StrEnum):
    """Why a file is not judged. Each is one cause, and stands in the metadata of the error."""

    ADDRESS_MALFORMED = "ADDRESS_MALFORMED"
    SCHEME_NOT_ALLOWED = "SCHEME_NOT_ALLOWED"
    CREDENTIALS_IN_ADDRESS = "CREDENTIALS_IN_ADDRESS"
    PORT_NOT_ALLOWED = "PORT_NOT_ALLOWED"
    ADDRESS_NOT_PUBLIC = "ADDRESS_NOT_PUBLIC"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"

    NAME_NOT_RESOLVED = "NAME_NOT_RESOLVED"
    CONNECTION_FAILED = "CONNECTION_FAILED"
    TLS_FAILED = "TLS_FAILED"
    FETCH_TIMED_OUT = "FETCH_TIMED_OUT"
    HTTP_STATUS = "HTTP_STATUS"
    REDIRECT_WITHOUT_TARGET = "REDIRECT_WITHOUT_TARGET"
    RESPONSE_MALFORMED = "RESPONSE_MALFORMED"
    BODY_INCOMPLETE = "BODY_INCOMPLETE"
    BODY_ENCODED = "BODY_ENCODED"

    TOO_MANY_BYTES = "TOO_MANY_BYTES"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    TOO_MANY_FRAMES = "TOO_MANY_FRAMES"
    DECODING_TOO_LONG = "DECODING_TOO_LONG"
    DECODING_TOO_BIG = "DECODING_TOO_BIG"

    FORMAT_NOT_SUPPORTED = "FORMAT_NOT_SUPPORTED"

    DAMAGED = "DAMAGED"
    DECODER_CRASHED = "DECODER_CRASHED"


_ADDRESS = ErrorReason.MEDIA_ADDRESS_REFUSED
_FETCH = ErrorReason.MEDIA_FETCH_FAILED
_TOO_LARGE = ErrorReason.MEDIA_TOO_LARGE
_UNSUPPORTED = ErrorReason.MEDIA_UNSUPPORTED
_CORRUPT = ErrorReason.MEDIA_CORRUPT
_MEANINGS: Final[Mapping[MediaRefusal, tuple[ErrorReason, str]]] = {
    MediaRefusal.ADDRESS_MALFORMED: (_ADDRESS, "the address can't be read"),
    MediaRefusal.SCHEME_NOT_ALLOWED: (_ADDRESS, "only http, https and data addresses are read"),
    MediaRefusal.CREDENTIALS_IN_ADDRESS: (_ADDRESS, "the address holds a user name or a password"),
    MediaRefusal.PORT_NOT_ALLOWED: (
        _ADDRESS,
        "the address names a port that is for other services",
    ),
    MediaRefusal.ADDRESS_NOT_PUBLIC: (_ADDRESS, "the address leads to a host that is not public"),
    MediaRefusal.TOO_MANY_REDIRECTS: (_ADDRESS, "the address redirects too often"),
    MediaRefusal.NAME_NOT_RESOLVED: (_FETCH, "the host's name has no address"),
    MediaRefusal.CONNECTION_FAILED: (_FETCH, "the host can't be reached"),
    MediaRefusal.TLS_FAILED: (_FETCH, "the host's certificate or its TLS can't be trusted"),
    MediaRefusal.FETCH_TIMED_OUT: (_FETCH, "the file did not come in time"),
    MediaRefusal.HTTP_STATUS: (_FETCH, "the host answered with another status than 200"),
    MediaRefusal.REDIRECT_WITHOUT_TARGET: (_FETCH, "the host redirects to nowhere"),
    MediaRefusal.RESPONSE_MALFORMED: (_FETCH, "the host's answer is not HTTP"),
    MediaRefusal.BODY_INCOMPLETE: (_FETCH, "the connection broke before the file was whole"),
    MediaRefusal.BODY_ENCODED: (_FETCH, "the host compressed the file, unasked"),
    MediaRefusal.TOO_MANY_BYTES: (_TOO_LARGE, "the file has too many bytes"),
    MediaRefusal.TOO_MANY_PIXELS: (_TOO_LARGE, "the file has too many pixels"),
    MediaRefusal.TOO_MANY_FRAMES: (_TOO_LARGE, "the file has too many frames"),
    MediaRefusal.DECODING_TOO_LONG: (_TOO_LARGE, "the file takes too long to decode"),
    MediaRefusal.DECODING_TOO_BIG: (_TOO_LARGE, "the file takes too much memory to decode"),
    MediaRefusal.FORMAT_NOT_SUPPORTED: (_UNSUPPORTED, "the bytes are in no format that is judged"),
    MediaRefusal.DAMAGED: (_CORRUPT, "the file is too damaged to be judged"),
    MediaRefusal.DECODER_CRASHED: (_CORRUPT, "the file crashes its decoder"),
}


class MediaRefused(Exception):  # noqa: N818 - the state, as the domain's other errors are named
    """A file is not judged, and why.

    ``detail`` is for the caller, such as ``{"limit": "pixels", "maximum": "50000000"}`` or
    ``{"http_status": "404"}``; it holds nothing of the content and no address.
    """

    def __init__(self, refusal: MediaRefusal, **detail: str) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.detail = detail

    @property
    def reason(self) -> ErrorReason:
        """The contract's reason that the refusal comes under."""
        return _MEANINGS[self.refusal][0]

    @property
    def message(self) -> str:
        """What is wrong, in one clause."""
        return _MEANINGS[self.refusal][1]

    def as_error(self, field_path: str) -> GavelError:
        """Return what a caller is told of the file that it gave in a field such as ``media``."""
        metadata = {"field": field_path, "why": self.refusal.value, **self.detail}
        if self.reason is ErrorReason.MEDIA_FETCH_FAILED:
            return FailedPrecondition(self.reason, self.message, metadata=metadata)
        violation = FieldViolation(field_path, self.message)
        return InvalidRequest(violation, reason=self.reason, metadata=metadata)


@dataclass(frozen=True, slots=True)
class MediaReference:
    """Where a file is: an ``http``, ``https`` or ``data`` address, or the bytes themselves."""

    uri: str = field(default="", repr=False)
    data: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if bool(self.uri) == (self.data is not None):
            raise ValueError("exactly one of uri and data is given")


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file as it was sent, and the format that its first bytes name.

    ``sha256`` is of the bytes as sent, in 64 lower-case hex digits.
    """

    data: bytes = field(repr=False)
    format: MediaFormat
    sha256: str

    @property
    def family(self) -> MediaFamily:
        """Whether it is a picture, a video or a sound."""
        return self.format.family


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What decoding showed of a file.

    Width and height are after orientation, and zero if unknown. ``frame_count`` is how many
    frames the file has and ``judged_frame_count`` how many of them are handed on; equal frames
    count once in the latter. ``duration_seconds`` is None for a still picture. ``is_partial``:
    not everything could be decoded, and what there is was.
    """

    sha256: str
    format: MediaFormat
    kind: MediaKind
    width_pixels: int
    height_pixels: int
    frame_count: int
    judged_frame_count: int
    byte_count: int
    duration_seconds: float | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture that can be looked at, upright, in sRGB, nothing transparent.

    ``rgb`` has ``height * width * 3`` bytes, row by row from the top, read-only; it may be smaller
    than the file's own size, at the same aspect ratio. ``index`` is its place in the file, from 0,
    and ``start_seconds`` when it is shown, from the beginning.
    """

    index: int
    start_seconds: float
    width: int
    height: int
    rgb: memoryview = field(repr=False)

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or len(self.rgb) != self.width * self.height * 3:
            raise ValueError("a frame has pixels, of three bytes each")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture or animation.

    ``frames`` are one, or the distinct frames of an animation in order, evenly sampled if they are
    too many. ``unread`` says in a sentence what could not be decoded, and is empty if nothing was
    left out; it holds nothing of the content.
    """

    facts: MediaFacts
    frames: tuple[Frame, ...]
    unread: str = ""

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a picture has at least one frame")

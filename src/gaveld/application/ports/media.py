"""Ports of getting files and turning them into what can be looked at, read or heard."""

from collections.abc import AsyncIterator
from typing import Protocol, Self

from gaveld.domain.media import Frame, MediaFacts, MediaFile, MediaReference, Picture
from gaveld.domain.media_formats import MediaFamily
from gaveld.domain.signals import ClassifierCard
from gaveld.domain.videos import Sound, SpokenText, VideoEvent


class MediaFetcher(Protocol):
    """Gets files, inline or from addresses that anybody may have written.

    It never connects to a host that is not public, whatever a name, a redirect or a changing DNS
    answer says; ``internal_hosts`` names the exceptions. What a file is follows from its bytes
    alone. Files come whole, within the limits of their family, or not at all. Concurrent fetches
    of one address are one. A cancelled call stops its work within 100 ms unless others wait for
    the same. No address goes into a log.
    """

    async def fetch(
        self,
        reference: MediaReference,
        families: frozenset[MediaFamily],
        internal_hosts: frozenset[str] = frozenset(),
    ) -> MediaFile:
        """Return the file, which is of one of the families.

        ``internal_hosts`` are lower-case host names, as addresses spell them, that may lie in the
        operator's own network. Raises ``MediaRefused``, and ``ResourceExhausted``
        (SERVER_OVERLOADED) when too much is being fetched.
        """
        ...


class ImageDecoder(Protocol):
    """Turns files of the picture family into pixels, whatever they were made to do.

    No file harms the process, the calls beside it or those after it. A cancelled call stops its
    work within 100 ms.
    """

    async def decode(self, file: MediaFile) -> Picture:
        """Return what the file shows, at a bounded size. Equal files give equal pictures.

        Raises ``MediaRefused``: too much of something, damaged, or not the format it says.
        """
        ...


class FrameEncoder(Protocol):
    """Turns a frame back into a small file, for reviewers that look at pictures."""

    async def encode(self, frame: Frame) -> bytes:
        """Return the frame as a JPEG file. Equal frames give equal files."""
        ...


class VideoReading(Protocol):
    """One video that is being decoded while its bytes still arrive, in bounded memory.

    ``feed`` and ``finish`` may run before the iteration over ``events`` or beside it; equal bytes
    give equal events, however they are cut into chunks. Leaving the context frees everything within
    100 ms, wherever the work runs, and leaves no process behind.
    """

    async def __aenter__(self) -> Self:
        """Begin. Waits in line while too many videos are open."""
        ...

    async def __aexit__(self, *failure: object) -> None:
        """End, whether or not everything was decoded."""
        ...

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file; it never waits for what came to be decoded.

        Raises ``MediaRefused`` (TOO_MANY_BYTES) for more than a video may have.
        """
        ...

    async def finish(self) -> None:
        """Say that the file is whole. Idempotent."""
        ...

    def events(self) -> AsyncIterator[VideoEvent]:
        """Yield what is decoded, up to the end of the video; to be iterated once.

        Frames come in the order of time. A subtitle comes about when it is shown, a stretch of
        sound when it is over. What is not taken is not decoded any further.

        Raises ``MediaRefused``: not a video that is judged, damaged, or too much of something.
        """
        ...

    @property
    def is_waiting_for_index(self) -> bool:
        """Whether nothing can be decoded before the file is whole, for its index is at the end."""
        ...

    @property
    def facts(self) -> MediaFacts | None:
        """What decoding has shown so far; None until the file's beginning was understood.

        Until the file is whole, ``sha256`` and ``byte_count`` are of the bytes that came. Until all
        was decoded, ``frame_count`` and ``duration_seconds`` are what the file claims, 0 and None
        if it claims nothing.
        """
        ...


class VideoDecoder(Protocol):
    """Turns files of the video family into sampled frames, subtitles and sound.

    No file harms the process, the calls beside it or those after it. Frames are sampled where the
    scene changes and at least every few seconds; only what is sampled is handed on.
    """

    def open(self, *, with_sound: bool = False, needs_pictures: bool = True) -> VideoReading:
        """Return a reading of a new file; ``Sound`` is among its events only if asked for.

        Unless it ``needs_pictures``, the file may be a sound alone, and of the sound family.
        """
        ...


class Transcriber(Protocol):
    """Hears speech and writes it down."""

    @property
    def card(self) -> ClassifierCard:
        """What it is; it covers no category."""
        ...

    async def transcribe(self, sound: Sound) -> tuple[SpokenText, ...]:
        """Return what is said in the sound, in order; nothing where nothing is.

        Raises whatever keeps it from hearing, which counts as not heard. A cancelled call stops.
        """
        ...


class PictureDescriber(Protocol):
    """Says in one plain sentence what a picture shows, by looking at it."""

    @property
    def card(self) -> ClassifierCard:
        """What it is; it covers no category."""
        ...

    async def describe(self, frame: Frame) -> str:
        """Return one sentence of up to 300 characters, without markup; empty if it can't tell.

        Raises whatever keeps it from looking, which counts as not described. What is written in
        the picture can't change what it is asked. A cancelled call stops.
        """
        ...

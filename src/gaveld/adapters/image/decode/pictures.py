"""Decodes one file with Pillow, inside a worker: its frames, and how much of it was there.

It trusts nothing in the file and leaves crashes, hangs and memory to the worker's own limits.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from gaveld.adapters.image.decode.developing import developed, shrunk_size, upright_size
from gaveld.adapters.image.decode.gif_blocks import gif_frames
from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.domain.media import MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFormat

PLUGINS: Final = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
"""Imported so that they are registered; no others are."""

MOST: Final = 0.5
"""A picture that ends early is judged if at least this share of it is there."""

_COUNTED: Final = frozenset({MediaFormat.PNG, MediaFormat.WEBP, MediaFormat.AVIF})
"""Formats that say at the beginning how many frames follow."""

_JPEG_FILL: Final = 128
"""What JPEG decoders put where data is missing; the others leave zeros."""

_OUT_OF_MEMORY: Final = "out of memory"

CUT: Final = "Decoding it all would have taken too long: later frames were left out."
BROKEN_OFF: Final = "The file is damaged or ends early: later frames could not be decoded."
GAPS: Final = "The file is damaged or ends early: a part of the picture is missing."


@dataclass(frozen=True, slots=True)
class DevelopedFrame:
    """One frame as it is handed on: its place in the file, when it is shown, its pixels."""

    index: int
    start_seconds: float
    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """What a file showed. Sizes are after orientation; ``duration_seconds`` None is unknown."""

    width: int
    height: int
    frame_count: int
    frames: list[DevelopedFrame]
    duration_seconds: float | None = None
    unread: str = ""


def decode_file(data: bytes, of: MediaFormat, limits: DecodeLimits) -> DecodedFile:
    """Return what the file shows. Raises ``MediaRefused``, or ``MemoryError`` at the limit."""
    until = time.process_time() + limits.cut_cpu_seconds
    with _as_refusals(of, limits):
        count = _frame_count(data, of, limits)
        if count > limits.max_frames:
            maximum = str(limits.max_frames)
            raise MediaRefused(MediaRefusal.TOO_MANY_FRAMES, limit="frames", maximum=maximum)
        if count > 1:
            return _animation(data, of, count, limits, until)
        return _still(data, of, limits)


@contextmanager
def _as_refusals(of: MediaFormat, limits: DecodeLimits) -> Iterator[None]:
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (MediaRefused, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(limits) from None
    except Exception as error:  # noqa: BLE001 - decoders raise what they like
        if _OUT_OF_MEMORY in str(error):
            raise MemoryError from None
        raise _damaged(of) from None


def _is_final(error: Exception) -> bool:
    """Whether an error is about a limit, so that no part of the file is worth salvaging."""
    limits = (
        MediaRefused,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    )
    return isinstance(error, limits) or _OUT_OF_MEMORY in str(error)


def _too_many_pixels(limits: DecodeLimits) -> MediaRefused:
    maximum = str(limits.max_pixels)
    return MediaRefused(MediaRefusal.TOO_MANY_PIXELS, limit="pixels", maximum=maximum)


def _damaged(of: MediaFormat) -> MediaRefused:
    return MediaRefused(MediaRefusal.DAMAGED, format=of.value)


def _opened(data: bytes, of: MediaFormat) -> ImageFile.ImageFile:
    """Return the image, its header read and its size checked, none of its pixels decoded.

    Texts and profiles that inflate too much are left out.
    """
    with _leniently():
        return Image.open(BytesIO(data), formats=[of.value])


@contextmanager
def _leniently() -> Iterator[None]:
    """Have decoders go on where something is missing or wrong."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _frame_count(data: bytes, of: MediaFormat, limits: DecodeLimits) -> int:
    """Return how many frames the file says or begins, at most one more than are allowed."""
    most = limits.max_frames + 1
    if of is MediaFormat.GIF:
        return gif_frames(data, most)
    if of in _COUNTED:
        return min(most, getattr(_opened(data, of), "n_frames", 1))
    if of is MediaFormat.TIFF:
        return _page_count(_opened(data, of), most)
    return 1


def _page_count(image: ImageFile.ImageFile, most: int) -> int:
    """Return how many pages a TIFF begins; one that can't be read is counted, and the last."""
    for page in range(1, most):
        try:
            image.seek(page)
        except EOFError:
            return page
        except Exception:  # noqa: BLE001 - decoders raise what they like
            return page + 1
    return most


def _still(data: bytes, of: MediaFormat, limits: DecodeLimits) -> DecodedFile:
    full_size = _opened(data, of).size
    image, unread = _loaded_or_salvaged(data, of, limits)
    frame = _handed_on(developed(image, limits.max_frame_pixels))
    return DecodedFile(*upright_size(image, full_size), 1, [frame], unread=unread)


def _loaded_or_salvaged(
    data: bytes, of: MediaFormat, limits: DecodeLimits
) -> tuple[Image.Image, str]:
    """Return the decoded picture, and what is missing of it in a sentence."""
    try:
        return _loaded(data, of, limits), ""
    except Exception as error:
        if _is_final(error):
            raise
        # PNG raises just this for a text behind its pixels that inflates too much.
        is_about_pixels = type(error) is not ValueError
    with _leniently():
        image = _loaded(data, of, limits)
    present = _share_present(image, of)
    if present < MOST:
        raise _damaged(of)
    return image, GAPS if is_about_pixels or present < 1 else ""


def _loaded(data: bytes, of: MediaFormat, limits: DecodeLimits) -> Image.Image:
    image = _opened(data, of)
    if of is MediaFormat.GIF:
        arguments = image.tile[0].args
        image.info["interlace"] = isinstance(arguments, tuple) and arguments[1]  # as PNG says it
    # A JPEG is decoded at a fraction of its size, if that is enough.
    image.draft(None, shrunk_size(image.size, limits.max_frame_pixels))
    image.load()
    return image


def _share_present(image: Image.Image, of: MediaFormat) -> float:
    """Return how much of a salvaged picture was decoded, 0 to 1, by its rows that are not blank.

    Blank rows above or below all others are missing. Where rows come in passes, as in an interlaced
    picture, those between are too; elsewhere they may as well belong to it.
    """
    if of is MediaFormat.JPEG:
        blank = Image.new(image.mode, image.size, (_JPEG_FILL,) * len(image.getbands()))
        image = ImageChops.difference(image, blank)
    rows = image.getprojection()[1]
    if image.info.get("interlace"):
        return rows.count(1) / len(rows)
    shown = [place for place, row in enumerate(rows) if row]
    return (shown[-1] - shown[0] + 1) / len(rows) if shown else 0.0


def _animation(
    data: bytes, of: MediaFormat, count: int, limits: DecodeLimits, until: float
) -> DecodedFile:
    image = _opened(data, of)
    sample = EvenSample(limits.max_judged_frames)
    seen: set[bytes] = set()
    size, seconds, unread = image.size, 0.0, ""
    for index in range(count):
        if index and time.process_time() > until:
            unread = CUT
            break
        if not _turned_to(image, index, limits):
            if index < count * MOST and of in _COUNTED:
                raise _damaged(of)
            unread = BROKEN_OFF
            break
        if not index:
            size = upright_size(image, image.size)
        shown = _handed_on(developed(image, limits.max_animation_frame_pixels), index, seconds)
        digest = blake2b(shown.rgb, digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            sample.offer(shown)
        seconds += image.info.get("duration", 0) / 1000
    return DecodedFile(*size, count, sample.kept, None if unread else seconds, unread)


def _turned_to(image: ImageFile.ImageFile, index: int, limits: DecodeLimits) -> bool:
    """Decode one frame; False if the file ends before it. The first frame has to be there."""
    try:
        image.seek(index)
        _check_size(image.size, limits)
        image.load()
    except Exception as error:
        if _is_final(error) or not index:
            raise
        return False
    return True


def _check_size(size: tuple[int, int], limits: DecodeLimits) -> None:
    """Refuse a frame that is larger than the file's beginning said."""
    if size[0] * size[1] > limits.max_pixels:
        raise _too_many_pixels(limits)


def _handed_on(image: Image.Image, index: int = 0, seconds: float = 0.0) -> DevelopedFrame:
    return DevelopedFrame(index, seconds, image.width, image.height, image.tobytes())


@dataclass(slots=True)
class EvenSample:
    """Keeps at most so many of the frames that it is offered, evenly spaced and with the first.

    Until there are too many it keeps them all; then every second, then every fourth, and so on.
    """

    capacity: int
    kept: list[DevelopedFrame] = field(default_factory=list)
    _offered: int = 0
    _stride: int = 1

    def offer(self, frame: DevelopedFrame) -> None:
        """Keep the frame, or not; those kept before may go."""
        if self._offered % self._stride == 0:
            self.kept.append(frame)
            if len(self.kept) > self.capacity:
                self.kept = self.kept[::2]
                self._stride *= 2
        self._offered += 1

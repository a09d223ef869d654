"""The reader of pictures as a classifier: frames in, lines of text out, no category.

What the lines say, others judge.
"""

import asyncio
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from gaveld.adapters.image.ocr.engine import VERSION, Line, Stop
from gaveld.adapters.image.ocr.ink import has_ink
from gaveld.domain.image_signals import BoundingBox, ImageReport, ImageSample, ImageText
from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard

NAME: Final = "ocr"

MAX_FRAMES: Final = 24
"""So many frames of an animation are read: all that a decoder hands on."""

CLOSE_FRAMES: Final = 8
"""So many of them, evenly chosen, are looked at closely; what stays for a while is in one."""

MAX_LINES: Final = 256
"""So many lines of one picture are reported."""

FLOOR: Final = 0.6
"""A line that is read less surely is dropped: what textures are taken for comes below it."""

STILL_PIXELS: Final = 800_000
FRAME_PIXELS: Final = 400_000
GLANCE_PIXELS: Final = 130_000
"""Lines are looked for on so many pixels of a still picture, of an animation's frame that is looked
at closely, and of any other."""

ILLEGIBLE_SHARE: Final = 0.005
"""Lines that can't be made out matter from this share of the picture's area on."""

WORD_ASPECT: Final = 2.0
"""What is so many times wider than high, and can't be made out, is taken for a word if it has ink:
the network that looks for lines sees one in the whole of a plain banner."""

LIMITS: Final = (
    "Reads printed Latin, Chinese and Japanese, in any of four directions; no Cyrillic, Arabic, "
    "Hebrew, Korean, Thai or Indian script, and hardly any handwriting. Small text in large "
    f"pictures escapes it. Of an animation it reads {MAX_FRAMES} frames, {CLOSE_FRAMES} of them "
    "closely."
)
_TOO_MANY: Final = f"It has more than {MAX_LINES} lines of text: the rest was not read."
_ILLEGIBLE: Final = "Most of the text in it could not be made out."


class LineReader(Protocol):
    """What reads one frame. Several threads call it at once, and never an event loop."""

    def lines(self, frame: Frame, max_pixels: int, stop: Stop) -> list[Line]:
        """Return the lines of a frame in the order of reading. Blocks; ends early when stopped."""
        ...


class RapidOcrClassifier:
    """Reads the frames of pictures on ``threads`` threads. Call ``close`` at the end.

    ``unread`` is filled if there was more text than is reported, and if most of it could not be
    made out; how closely it read an animation is part of the card.
    """

    def __init__(self, reader: LineReader, *, threads: int = 2) -> None:
        self._reader = reader
        self._threads = threads
        self._lane = ThreadPoolExecutor(threads, thread_name_prefix="gavel-ocr")
        self._card = ClassifierCard(NAME, VERSION, frozenset(), limits=LIMITS)

    @property
    def card(self) -> ClassifierCard:
        """What it is and reads; it covers no category."""
        return self._card

    async def warm_up(self) -> None:
        """Look at an empty frame on every thread; the models proved themselves when loaded."""
        grey = Frame(0, 0.0, 64, 64, memoryview(bytes([128]) * (64 * 64 * 3)))
        await asyncio.gather(*(self._lines(grey, FRAME_PIXELS) for _ in range(self._threads)))

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return what the frames say, frame by frame; frames that repeat others say nothing."""
        frames = evenly_chosen(sample.picture.frames, MAX_FRAMES)
        close = {frame.index for frame in evenly_chosen(frames, CLOSE_FRAMES)}
        closely = STILL_PIXELS if len(frames) == 1 else FRAME_PIXELS
        texts: list[ImageText] = []
        seen: set[str] = set()
        is_illegible = False
        for start in range(0, len(frames), self._threads):
            part = frames[start : start + self._threads]
            sizes = [closely if frame.index in close else GLANCE_PIXELS for frame in part]
            for frame, lines in zip(part, await self._side_by_side(part, sizes), strict=True):
                legible = [line for line in lines if _is_legible(line)]
                is_illegible |= _is_mostly_illegible(lines, frame)
                words = {line.text.casefold() for line in legible}
                if not words <= seen:
                    seen |= words
                    texts += [_text(line, frame) for line in legible]
        unread = [_TOO_MANY] * (len(texts) > MAX_LINES) + [_ILLEGIBLE] * is_illegible
        return ImageReport(texts=tuple(texts[:MAX_LINES]), unread=" ".join(unread))

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._lane.shutdown(wait=False, cancel_futures=True)

    async def _side_by_side(
        self, frames: Sequence[Frame], sizes: Sequence[int]
    ) -> Sequence[Sequence[Line]]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._lines(frame, max_pixels))
                for frame, max_pixels in zip(frames, sizes, strict=True)
            ]
        return [task.result() for task in tasks]

    async def _lines(self, frame: Frame, max_pixels: int) -> Sequence[Line]:
        stop = Stop()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._lane, self._reader.lines, frame, max_pixels, stop
            )
        finally:
            stop.set()


def evenly_chosen(frames: Sequence[Frame], count: int) -> Sequence[Frame]:
    """Return up to ``count`` of the frames, the first and the last among them."""
    if len(frames) <= count:
        return frames
    last = len(frames) - 1
    return [frames[round(number * last / (count - 1))] for number in range(count)]


def _is_legible(line: Line) -> bool:
    """Whether the line says something: punctuation is what strange scripts are taken for."""
    return line.confidence >= FLOOR and any(
        unicodedata.category(sign)[0] in "LNS" for sign in line.text
    )


def _is_mostly_illegible(lines: Sequence[Line], frame: Frame) -> bool:
    read = lost = 0.0
    for line in lines:
        left, top, right, bottom = line.rect
        wide, high = sorted((right - left, bottom - top), reverse=True)
        if _is_legible(line):
            read += wide * high
        elif wide >= WORD_ASPECT * high and has_ink(frame, line.rect):
            lost += wide * high
    return lost > max(read, ILLEGIBLE_SHARE * frame.width * frame.height)


def _text(line: Line, frame: Frame) -> ImageText:
    left, top, right, bottom = line.rect
    box = BoundingBox(
        left / frame.width,
        top / frame.height,
        (right - left) / frame.width,
        (bottom - top) / frame.height,
    )
    return ImageText(line.text, min(1.0, line.confidence), box, frame.index)

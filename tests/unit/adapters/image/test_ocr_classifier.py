"""What of the lines that were read is reported, and how much of a picture is read at all."""

import asyncio
import io
import threading
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gaveld.adapters.image.ocr.classifier import (
    CLOSE_FRAMES,
    FLOOR,
    FRAME_PIXELS,
    GLANCE_PIXELS,
    MAX_FRAMES,
    MAX_LINES,
    STILL_PIXELS,
    RapidOcrClassifier,
)
from gaveld.adapters.image.ocr.engine import Line, TextEngine
from gaveld.domain.image_signals import BoundingBox
from tests.frames import noise, plain, sample_of, seen
from tests.pictures import encoded, snowy, written

PATIENCE_SECONDS = 30


def line(text: str, confidence: float = 0.9, at=(0, 0, 32, 8)) -> Line:
    left, top, right, bottom = at
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return Line(text, confidence, np.array(corners, np.float32), 0)


class ToldReader:
    """Finds the lines that it was told, by the index of the frame; all others are blank."""

    def __init__(self, lines: dict[int, list[Line]] | None = None) -> None:
        self.told = lines or {}
        self.asked: list[tuple[int, int]] = []

    def lines(self, frame, max_pixels, stop):
        self.asked.append((frame.index, max_pixels))
        return self.told.get(frame.index, [])


class SlowReader:
    """Reads until somebody stops it, and says when it began and ended."""

    def __init__(self) -> None:
        self.began, self.ended = threading.Event(), threading.Event()
        self.count = 0

    def lines(self, frame, max_pixels, stop):
        self.count += 1
        self.began.set()
        while not stop.options.terminate:
            threading.Event().wait(0.001)
        self.ended.set()
        return []


@pytest.fixture
def using():
    made: list[RapidOcrClassifier] = []

    def make(reader, **options) -> RapidOcrClassifier:
        made.append(RapidOcrClassifier(reader, **options))
        return made[-1]

    yield make
    for classifier in made:
        classifier.close()


def frames(count: int):
    """An animation with so many frames, whose indices are even."""
    return sample_of(*(plain(number, 0, 0) for number in range(count)))


async def test_a_line_is_reported_with_its_place(using):
    """Law: a box is in fractions of the frame, and the text is as it was read."""
    reader = ToldReader({0: [line("Hello", 0.97, (16, 32, 48, 40))]})
    (text,) = (await using(reader).classify(frames(1))).texts
    assert (text.text, text.frame_index) == ("Hello", 0)
    assert text.confidence == pytest.approx(0.97)
    assert text.box == BoundingBox(0.25, 0.5, 0.5, 0.125)


async def test_what_is_hardly_read_is_dropped(using):
    """Law: below the floor there is no text, nor where there are only points and dashes."""
    told = [line("sure"), line("guess", FLOOR - 0.01), line("... -", 0.99), line("", 0.99)]
    report = await using(ToldReader({0: told})).classify(frames(1))
    assert [text.text for text in report.texts] == ["sure"]


async def test_a_still_picture_is_looked_at_more_closely(using):
    """Law: an animation may not cost many times a picture."""
    reader = ToldReader()
    await using(reader).classify(frames(1))
    await using(reader).classify(frames(3))
    assert reader.asked[0] == (0, STILL_PIXELS)
    assert sorted(reader.asked[1:]) == [(index, FRAME_PIXELS) for index in (0, 2, 4)]
    glances = (MAX_FRAMES - CLOSE_FRAMES) * GLANCE_PIXELS
    assert CLOSE_FRAMES * FRAME_PIXELS + glances <= 7 * STILL_PIXELS


async def test_every_frame_is_read_and_some_closely(using):
    """Law: words in any one frame are looked for, and closely in some, evenly chosen."""
    reader = ToldReader({2 * 11: [line("in between")]})
    report = await using(reader).classify(frames(24))
    assert sorted(index for index, _ in reader.asked) == [2 * number for number in range(24)]
    sizes = [size for _, size in sorted(reader.asked)]
    assert {FRAME_PIXELS, GLANCE_PIXELS} == set(sizes)
    assert (sizes[0], sizes.count(FRAME_PIXELS), sizes[-1]) == (FRAME_PIXELS, 8, FRAME_PIXELS)
    assert [text.text for text in report.texts] == ["in between"]


@pytest.mark.parametrize("count", [2, MAX_FRAMES, MAX_FRAMES + 1, 60])
async def test_an_animation_is_read_evenly(using, count):
    """Law: all frames up to the maximum, else that many different ones, first and last included."""
    reader = ToldReader()
    report = await using(reader).classify(frames(count))
    read = sorted(index // 2 for index, _ in reader.asked)
    assert len(read) == len(set(read)) == min(count, MAX_FRAMES)
    assert (read[0], read[-1]) == (0, count - 1)
    gaps = [after - before for before, after in pairwise(read)]
    assert max(gaps) - min(gaps) <= 1
    assert report.unread == ""


async def test_lines_come_by_frames(using):
    """Law: texts are in the order of frames and then of reading, whichever thread was first."""
    told = {2 * number: [line(f"a{number}"), line(f"b{number}")] for number in range(5)}
    report = await using(ToldReader(told), threads=3).classify(frames(5))
    assert [text.text for text in report.texts] == [f"{x}{n}" for n in range(5) for x in "ab"]
    assert [text.frame_index for text in report.texts] == [2 * n for n in range(5) for _ in "ab"]


async def test_frames_that_say_the_same_say_it_once(using):
    """Law: a caption that stays is one text; a frame with anything new is told in full."""
    told = {0: [line("one")], 2: [line("ONE")], 4: [line("one"), line("two")], 6: [line("two")]}
    report = await using(ToldReader(told)).classify(frames(4))
    assert [(text.frame_index, text.text) for text in report.texts] == [
        (0, "one"),
        (4, "one"),
        (4, "two"),
    ]


async def test_a_wall_of_text_is_cut_and_says_so(using):
    """Law: no picture gives more lines than the contract has room for, and what is left is told."""
    told = [line(f"line {number}") for number in range(MAX_LINES + 1)]
    full = await using(ToldReader({0: told[:-1]})).classify(frames(1))
    more = await using(ToldReader({0: told})).classify(frames(1))
    assert (len(full.texts), full.unread) == (MAX_LINES, "")
    assert len(more.texts) == MAX_LINES
    assert more.unread


@pytest.mark.parametrize(
    ("told", "is_told"),
    [
        ([line("", 0, (0, 0, 60, 12))], True),
        ([line("Aa", 0.3, (0, 0, 60, 12))], True),
        ([line("? ,", 0.9, (0, 0, 60, 12)), line("by hand", 0.9, (0, 30, 20, 34))], True),
        ([line("", 0, (0, 0, 30, 5)), line("by machine", 0.9, (0, 30, 60, 40))], False),
        ([line("", 0, (0, 0, 12, 12))], False),
        ([line("", 0, (0, 0, 4, 2))], False),
    ],
    ids=["nothing", "a guess", "for the most part", "a small part", "no word", "a speck"],
)
async def test_text_that_cannot_be_made_out_is_told(using, told, is_told):
    """Law: a picture whose text is in a strange script was not read, and says so."""
    report = await using(ToldReader({0: told})).classify(sample_of(noise(1, 64, 64)))
    assert bool(report.unread) == is_told


BANNER = Image.new("RGB", (640, 160), (90, 120, 200))
SAME_GREY = {"ink": (200, 0, 0), "ground": Image.new("RGB", (640, 320), (0, 102, 0))}


@pytest.mark.parametrize(
    ("picture", "is_told"),
    [
        (BANNER, False),
        (Image.linear_gradient("L").resize((640, 160)), False),
        (Image.open(io.BytesIO(encoded(BANNER, "JPEG", quality=30))), False),
        (written("Have a lovely day", ink=(235, 235, 235)), True),
        (written("Have a lovely day", **SAME_GREY), True),
        (written("Have a lovely day").filter(ImageFilter.GaussianBlur(4)), True),
    ],
    ids=["plain", "gradient", "as JPEG", "faint", "by colour alone", "blurred"],
)
async def test_there_is_nothing_to_make_out_without_ink(using, picture, is_told):
    """Law: a plain banner or sky, which the networks see a line in, does not count as unread."""
    told = line("", 0, (0, 0, picture.width - 1, picture.height - 1))
    report = await using(ToldReader({0: [told]})).classify(seen(picture))
    assert bool(report.unread) == is_told


@pytest.mark.parametrize("size", [(640, 160), (640, 320)])
@pytest.mark.parametrize("ink", [(250, 0, 0), (90, 120, 200), (30, 180, 60)])
async def test_plain_pictures_were_read(using, size, ink):
    """Law: with the shipped networks, nothing of a picture of one colour is left unread."""
    report = await using(TextEngine()).classify(seen(Image.new("RGB", size, ink)))
    assert (report.texts, report.unread) == ((), "")


async def test_a_call_that_is_cancelled_stops_the_reading(using):
    """Law: its frame ends, its later frames are never begun, and the thread is free again."""
    reader = SlowReader()
    classifier = using(reader, threads=1)
    call = asyncio.create_task(classifier.classify(frames(5)))
    assert await asyncio.to_thread(reader.began.wait, PATIENCE_SECONDS)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(reader.ended.wait, PATIENCE_SECONDS)
    assert reader.count == 1


async def test_a_reader_that_fails_fails_the_call(using):
    """Law: what could not be read is never taken for blank."""

    class Broken(ToldReader):
        def lines(self, frame, max_pixels, stop):
            raise RuntimeError("no more memory")

    with pytest.raises(ExceptionGroup, match="unhandled") as raised:
        await using(Broken()).classify(frames(1))
    assert "no more memory" in str(raised.value.exceptions)


async def test_a_meme_is_read_from_its_pixels(using):
    """Law: with the shipped networks, words on a photograph arrive as they were written."""
    picture = written("WHEN THE BUS IS LATE", ground=snowy(), ink="white", at=(60, 20), height=36)
    picture = written("and you forgot your umbrella", ground=picture, at=(60, 260))
    report = await using(TextEngine()).classify(seen(picture))
    assert [text.text for text in report.texts] == [
        "WHEN THE BUS IS LATE",
        "and you forgot your umbrella",
    ]
    assert report.unread == ""
    assert not report.findings

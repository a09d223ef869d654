"""What the networks make of pictures with words, small and large, straight and turned."""

import subprocess
import sys
import threading
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import rapidocr
from PIL import Image

from gaveld.adapters.image.ocr.classifier import FLOOR
from gaveld.adapters.image.ocr.engine import FILES, ReadingStopped, Stop, TextEngine
from tests.frames import frame_of, noise, waves
from tests.pictures import code, quarters, snowy, written

WORDS = ("Win a free prize today", "at example.com, call 555 0134", "before it is too late")
MAX_PIXELS = 1_000_000


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    return TextEngine()


def frame(picture: Image.Image):
    return frame_of(np.asarray(picture.convert("RGB")))


def read(engine: TextEngine, picture: Image.Image, max_pixels: int = MAX_PIXELS):
    return engine.lines(frame(picture), max_pixels, Stop())


def likeness(lines, words=WORDS) -> float:
    """How much of the words was read, in their order, 0–1."""
    found = "\n".join(line.text for line in lines)
    return SequenceMatcher(None, found, "\n".join(words), autojunk=False).ratio()


@pytest.mark.parametrize("height", [11, 16, 24, 40])
def test_letters_of_every_size_are_read(engine, height):
    """Law: what a person reads without effort is read, line by line."""
    lines = read(engine, written(*WORDS, height=height))
    assert len(lines) == len(WORDS)
    assert likeness(lines) > 0.98
    assert all(line.confidence > 0.9 for line in lines)


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("white", "black"),
        ("yellow", "blue"),
        ("red", "white"),
        ("white", snowy()),
        ("black", snowy()),
        ("white", quarters(640, 320)),
    ],
    ids=["white on black", "yellow on blue", "red", "on a photograph", "dark on it", "on colours"],
)
def test_colours_do_not_matter(engine, ink, ground):
    """Law: letters are read on whatever they stand out from."""
    assert likeness(read(engine, written(*WORDS, ink=ink, ground=ground))) > 0.95


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_picture_may_lie_on_any_side(engine, turn):
    """Law: lines are read in their own order and say how they stand, however they are turned."""
    lines = read(engine, written(*WORDS).rotate(-turn, expand=True))
    assert [line.turn for line in lines] == [turn] * len(WORDS)
    assert likeness(lines) > 0.95


@pytest.mark.parametrize("degrees", [-12, 30])
def test_lines_may_slant(engine, degrees):
    """Law: a slanting line is read along itself."""
    slanting = written(*WORDS).rotate(degrees, expand=True, fillcolor="white")
    assert sorted(line.text for line in read(engine, slanting)) == sorted(WORDS)


def test_both_halves_of_a_picture_are_read_one_after_another(engine):
    """Law: heading, left half, right half, last line."""
    picture = written("THIS IS HOW IT STARTED", size=(640, 360), at=(150, 10), ground="grey")
    picture = written("two quiet", "little cats", ground=picture, at=(30, 110))
    picture = written("one very", "angry dog", ground=picture, at=(400, 110))
    picture = written("AND THIS IS HOW IT ENDED", ground=picture, at=(140, 310), ink="white")
    assert [line.text for line in read(engine, picture)] == [
        "THIS IS HOW IT STARTED",
        "two quiet",
        "little cats",
        "one very",
        "angry dog",
        "AND THIS IS HOW IT ENDED",
    ]


def test_a_line_lies_where_it_was_drawn(engine):
    """Law: boxes are in the frame's own pixels, whatever size was looked at."""
    for size in ((320, 160), (640, 320), (2400, 1200)):
        height = size[1] // 8
        (line,) = read(engine, written("Somewhere", size=size, height=height, at=(height, height)))
        assert line.rect.left == pytest.approx(height, abs=0.5 * height)
        assert line.rect.top == pytest.approx(1.1 * height, abs=0.5 * height)
        assert line.rect.height == pytest.approx(height, abs=0.5 * height)


def test_a_narrow_strip_is_read(engine):
    """Law: a picture that is hardly higher than its letters has a line like any other."""
    strip = written(WORDS[0], size=(300, 18), height=13, at=(4, 0))
    assert likeness(read(engine, strip), WORDS[:1]) > 0.95


def test_a_large_picture_is_read_at_its_full_size(engine):
    """Law: lines are looked for on fewer pixels and read on all of them."""
    page = written(*WORDS, size=(1920, 1080), height=20)
    assert likeness(read(engine, page, max_pixels=700_000)) > 0.98


def test_a_very_long_line_is_read(engine):
    """Law: length has its limit, and a line of a wide screen is within it."""
    words = " ".join(WORDS * 3)
    assert (
        likeness(read(engine, written(words, size=(1600, 40), height=14, at=(10, 8))), [words])
        > 0.95
    )


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (400, 300), "white"),
        Image.fromarray(noise(3, 400, 600)),
        Image.fromarray(waves(4)),
        quarters(),
        snowy(),
        Image.new("RGB", (1, 1)),
        Image.new("RGB", (3000, 1)),
        Image.new("RGB", (1, 3000)),
    ],
    ids=["white", "noise", "waves", "quarters", "snowy", "a pixel", "a row", "a column"],
)
def test_there_are_no_words_where_none_are(engine, picture):
    """Law: shapes and grain are no text, whatever their form."""
    assert not [line for line in read(engine, picture) if line.confidence >= FLOOR]


def test_a_code_is_no_text(engine):
    """Law: the squares of a QR code say nothing to a reader of letters."""
    lines = read(engine, code("https://example.com"))
    assert not [line for line in lines if line.confidence >= FLOOR]


def test_threads_may_read_at_once(engine):
    """Law: frames that are read side by side say what they say alone."""
    pictures = [written(f"number {number}", size=(240, 80)) for number in range(6)]
    alone = [[line.text for line in read(engine, picture)] for picture in pictures]
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found[number] = [line.text for line in read(engine, pictures[number])]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(6)] == alone == [[f"number {n}"] for n in range(6)]


def test_reading_ends_in_the_middle_of_a_network(engine, monkeypatch):
    """Law: a stop that comes while a network runs ends that run, and nothing is read after it."""
    stop, runs = Stop(), []
    session = engine._reader.text_det.session.session
    run = session._run

    def stopped_midway(outputs, feed, options):
        runs.append(outputs)
        stop.set()
        return run(outputs, feed, options)

    monkeypatch.setattr(session, "_run", stopped_midway)
    with pytest.raises(Exception, match="terminate"):
        engine.lines(frame(written(*WORDS)), MAX_PIXELS, stop)
    assert len(runs) == 1
    monkeypatch.undo()
    assert likeness(read(engine, written(*WORDS))) > 0.98


def test_what_was_stopped_before_it_began_is_not_read(engine):
    """Law: a stop that came first costs no run to its end."""
    stop = Stop()
    stop.set()
    with pytest.raises(ReadingStopped):
        stop.check()
    with pytest.raises(Exception, match="terminate"):
        engine.lines(frame(written(*WORDS)), MAX_PIXELS, stop)


def test_models_that_are_missing_are_no_engine(monkeypatch):
    """Law: what can't be loaded is said to be so, and is never fetched."""
    monkeypatch.setitem(FILES, "Rec", "no such file")
    with pytest.raises(ValueError, match="can't be loaded"):
        TextEngine()


def test_models_that_read_something_else_are_no_engine(monkeypatch):
    """Law: an engine proves by reading that it can."""
    blank = np.full((96, 320, 3), 255, np.uint8)
    monkeypatch.setattr("gaveld.adapters.image.ocr.engine._proof_picture", lambda: blank)
    with pytest.raises(ValueError, match="can't read"):
        TextEngine()


WATCHED = """
import os, sys
seen = []
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess", "os.fork")):
        seen.append(event)
sys.addaudithook(watch)
from gaveld.adapters.image.ocr.classifier import FLOOR
from gaveld.adapters.image.ocr.engine import Stop, TextEngine
from gaveld.domain.media import Frame
TextEngine().lines(Frame(0, 0.0, 64, 64, memoryview(bytes(64 * 64 * 3))), 1_000_000, Stop())
assert not seen, seen
assert not os.listdir(os.environ["HOME"]), os.listdir(os.environ["HOME"])
"""


def test_nothing_is_fetched_and_nothing_is_left_behind(tmp_path):
    """Law: loading and reading open no connection, warn of nothing and write no file at home."""
    environment = {"HOME": str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", "-c", WATCHED]
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("", "")
    assert not list(tmp_path.iterdir())


def test_the_models_know_the_scripts_that_the_card_names():
    """Law: Latin with its accents, Chinese and Japanese are among the signs; Cyrillic is not."""
    file = Path(rapidocr.__file__).parent / "models" / FILES["Rec"]
    session = onnxruntime.InferenceSession(file)
    signs = set(session.get_modelmeta().custom_metadata_map["character"].splitlines())
    assert set("azéñßğřł中文简繁かな漢カ") <= signs
    assert not signs & set("дитшаבحकก한")

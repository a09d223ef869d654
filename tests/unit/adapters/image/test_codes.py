"""Codes in pictures: what they say, where they are, and what becomes of hostile ones."""

import random

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gaveld.adapters.image.codes import ZxingClassifier
from gaveld.adapters.image.codes.classifier import MAX_CODES, MAX_TEXT_BYTES
from tests.frames import noise, sample_of, seen, waves
from tests.pictures import code, quarters, snowy, written

LINK = "https://example.com/offer?id=42"


@pytest.fixture
def classifier():
    made = ZxingClassifier()
    yield made
    made.close()


def on(ground: Image.Image, picture: Image.Image, at: tuple[int, int]) -> Image.Image:
    """A picture laid on another."""
    whole = ground.copy()
    whole.paste(picture, at)
    return whole


def sheet(contents, columns: int = 9) -> Image.Image:
    """A sheet full of small QR codes."""
    made = [code(content, scale=2) for content in contents]
    side = max(picture.width for picture in made)
    rows = -(-len(made) // columns)
    whole = Image.new("RGB", (columns * side, rows * side), "white")
    for number, picture in enumerate(made):
        whole.paste(picture, (number % columns * side, number // columns * side))
    return whole


@pytest.mark.parametrize(
    ("kind", "content", "name", "text"),
    [
        ("QRCode", LINK, "QRCode", LINK),
        ("QRCode", "Grüße, 你好, привет", "QRCode", "Grüße, 你好, привет"),
        ("MicroQRCode", "12345", "MicroQRCode", "12345"),
        ("DataMatrix", LINK, "DataMatrix", LINK),
        ("Aztec", LINK, "Aztec", LINK),
        ("PDF417", LINK, "PDF417", LINK),
        ("EAN13", "590123412345", "EAN-13", "5901234123457"),
        ("EAN8", "9638507", "EAN-8", "96385074"),
        ("UPCA", "03600029145", "EAN-13", "0036000291452"),  # the same bars
        ("Code128", "Box 17", "Code128", "Box 17"),
        ("Code39", "BOX-17", "Code39", "BOX-17"),
    ],
)
async def test_every_kind_of_code_is_read(classifier, kind, content, name, text):
    """Law: a code says what was put into it, under its kind's name without spaces."""
    report = await classifier.classify(seen(code(content, kind)))
    assert [(found.format, found.text) for found in report.codes] == [(name, text)]
    assert report.unread == ""
    assert not report.findings


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.rotate(90, expand=True),
        lambda picture: picture.rotate(17, expand=True, fillcolor="white"),
        lambda picture: picture.resize((picture.width * 5, picture.height * 5)),
        lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
        lambda picture: Image.eval(picture, lambda level: 255 - level),
        lambda picture: picture.filter(ImageFilter.GaussianBlur(1.5)),
        lambda picture: on(snowy(800, 600), picture, (500, 300)),
        lambda picture: on(snowy(2600, 1700), picture.resize((400, 400)), (1900, 900)),
        lambda picture: on(picture, Image.new("RGB", (14, 14), "white"), (80, 80)),
    ],
    ids=["turned", "aslant", "large", "small", "inverted", "blurred", "photo", "4 Mpx", "damaged"],
)
async def test_a_code_may_be_shown_in_many_ways(classifier, change):
    """Law: what a telephone reads is read, a little damage included."""
    report = await classifier.classify(seen(change(code(LINK))))
    assert [found.text for found in report.codes] == [LINK]


async def test_a_code_that_is_too_damaged_says_nothing(classifier):
    """Law: nothing is made up."""
    broken = on(code(LINK), Image.new("RGB", (100, 100), "white"), (50, 50))
    assert (await classifier.classify(seen(broken))).codes == ()


@pytest.mark.parametrize(
    "pixels",
    [
        np.asarray(written("no code", "at all")),
        np.asarray(quarters()),
        noise(5),
        waves(2),
        np.asarray(Image.new("RGB", (1, 1))),
    ],
    ids=["text", "quarters", "noise", "waves", "a pixel"],
)
async def test_there_is_no_code_where_none_is(classifier, pixels):
    """Law: whatever the picture, only codes are read."""
    report = await classifier.classify(sample_of(pixels))
    assert (report.codes, report.unread) == ((), "")


@pytest.mark.parametrize("size", [(500, 400), (2600, 1700)])
async def test_a_code_lies_where_it_was_laid(classifier, size):
    """Law: boxes are fractions of the frame, also of one that is looked at smaller."""
    picture = code(LINK, scale=6)
    at = (size[0] // 4, size[1] // 5)
    (found,) = (await classifier.classify(seen(on(snowy(*size), picture, at)))).codes
    left, top, width, height = found.box
    assert at[0] < left * size[0] < at[0] + 60
    assert at[1] < top * size[1] < at[1] + 60
    assert 0.6 * picture.width < width * size[0] < picture.width
    assert 0.6 * picture.height < height * size[1] < picture.height


async def test_codes_come_from_the_top_and_each_once(classifier):
    """Law: a sheet of equal codes is one code, so that they can't crowd out another."""
    contents = ["first"] * 80 + ["last"]
    report = await classifier.classify(seen(sheet(contents)))
    assert [found.text for found in report.codes] == ["first", "last"]
    assert report.unread == ""


async def test_a_code_in_several_frames_is_named_where_it_is_first(classifier):
    """Law: an animation's codes come by frames, each different one once."""
    report = await classifier.classify(seen(quarters(), code("one"), code("two"), code("one")))
    assert [(found.text, found.frame_index) for found in report.codes] == [("one", 2), ("two", 4)]


async def test_a_picture_full_of_codes_is_cut_and_says_so(classifier):
    """Law: so many different codes are reported as the contract has room for, and no more."""
    contents = [f"code {number}" for number in range(MAX_CODES + 1)]
    most = await classifier.classify(seen(sheet(contents[:-1])))
    more = await classifier.classify(seen(sheet(contents)))
    assert (len(most.codes), most.unread) == (MAX_CODES, "")
    assert len(more.codes) == MAX_CODES
    assert more.unread


async def test_bytes_that_are_no_text_are_told_as_some(classifier):
    """Law: any bytes can be reported: what a screen could not show is replaced."""
    (found,) = (await classifier.classify(seen(code(bytes(range(256)))))).codes
    assert "0123456789" in found.text
    assert not [sign for sign in found.text if sign < " " and sign not in "\t\n\r"]
    found.text.encode()


async def test_a_code_that_says_too_much_is_cut_and_says_so(classifier):
    """Law: what is reported of one code is bounded in bytes and ends at a whole character."""
    grown = random.Random(1).randbytes(2800).replace(b"\0", b"\xff") + b"\xe9\xe8\xff\0"
    report = await classifier.classify(seen(code(grown, ecLevel="L")))
    (found,) = report.codes
    assert MAX_TEXT_BYTES - 4 < len(found.text.encode()) <= MAX_TEXT_BYTES
    assert report.unread


async def test_what_is_nearly_a_code_harms_nothing(classifier):
    """Law: corners of codes by the thousand, and flipped squares, leave the next code whole."""
    corner = np.full((9, 9), 255, np.uint8)
    corner[1:8, 1:8], corner[2:7, 2:7], corner[3:6, 3:6] = 0, 255, 0
    tiled = np.tile(np.kron(corner, np.ones((3, 3), np.uint8)), (40, 40))
    whole = np.asarray(code(LINK).convert("L"))
    for seed in range(30):
        flips = np.random.default_rng(seed).random((len(whole) // 4 + 1,) * 2) < 0.15
        flipped = np.kron(flips, np.ones((4, 4), bool))[: len(whole), : len(whole)]
        hurt = np.where(flipped, 255 - whole, whole)
        await classifier.classify(sample_of(np.repeat(hurt[:, :, None], 3, axis=2)))
    assert (
        await classifier.classify(sample_of(np.repeat(tiled[:, :, None], 3, axis=2)))
    ).codes == ()
    assert [found.text for found in (await classifier.classify(seen(code(LINK)))).codes] == [LINK]

"""One suite for every ``TextNormaliser``."""

import asyncio
from array import array
from collections.abc import Iterator

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.application.ports import TextNormaliser
from gaveld.domain.content import FoldedText, Span, TextReadings, Variant
from tests.fakes.text_normaliser import FakeTextNormaliser

DISGUISED = "You b-a-s-k-e-t, asssss!"
READ = TextReadings(
    DISGUISED,
    FoldedText.identity(DISGUISED.lower()),
    FoldedText(
        "you basket, as!",
        array("I", [0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 15, 16, 17, 18, 23]),
        array("I", [1, 2, 3, 4, 6, 8, 10, 12, 14, 15, 16, 17, 18, 23, 24]),
    ),
    (Variant("ass", Span(17, 23)),),
)

TEXTS = [
    "",
    " ",
    "Nothing to hide.",
    DISGUISED,
    "\ud800 lone \udfff surrogates",
    "a\u0300" * 3_000,
    "🔥" * 2_500,
    "שלום\u202e كلمة",
    "x" * 50_000,
]


@pytest.fixture(params=["fake", "disguise"])
def normaliser(request) -> Iterator[TextNormaliser]:
    if request.param == "fake":
        yield FakeTextNormaliser(READ)
        return
    lane = CpuLane(threads=1)
    yield DisguiseNormaliser(lane)
    lane.close()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
async def test_any_string_is_read_with_a_way_back(normaliser: TextNormaliser, text: str):
    """Law: no string fails, and every character of a reading lies within the text as sent."""
    readings = await normaliser.normalise(text)
    assert readings.as_sent == text
    for reading in (readings.folded, readings.unmasked):
        assert len(reading.text) == len(reading.starts) == len(reading.ends)
        assert all(
            0 <= start < end <= len(text)
            for start, end in zip(reading.starts, reading.ends, strict=True)
        )
        assert list(reading.starts) == sorted(reading.starts)
        assert list(reading.ends) == sorted(reading.ends)
    for variant in readings.variants:
        assert 0 <= variant.span.start < variant.span.end <= len(text)


async def test_equal_texts_are_read_equally(normaliser: TextNormaliser):
    """Law: readings depend on the text alone, also when many are read at once."""
    together = await asyncio.gather(*(normaliser.normalise(text) for text in TEXTS * 2))
    assert together[: len(TEXTS)] == together[len(TEXTS) :]


async def test_a_disguise_is_read_and_found_again(normaliser: TextNormaliser):
    """Law: the span of what is read in the unmasked text covers the disguise, no more, no less."""
    readings = await normaliser.normalise(DISGUISED)
    at = readings.unmasked.text.index("basket")
    start, end = readings.unmasked.original(at, at + len("basket"))
    assert DISGUISED[start:end] == "b-a-s-k-e-t"
    assert Variant("ass", Span(17, 23)) in readings.variants

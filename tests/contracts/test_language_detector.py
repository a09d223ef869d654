"""One suite for every ``LanguageDetector``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.language import FastTextLanguageDetector
from gaveld.application.ports import LanguageDetector
from gaveld.domain.content import DetectedLanguage
from tests.fakes.language_detector import FakeLanguageDetector

ENGLISH = "The train to the coast leaves at half past nine, so I was on it."


@pytest.fixture(scope="module", params=["fake", "fasttext"])
def detector(request):
    lane = CpuLane()
    yield FakeLanguageDetector() if request.param == "fake" else FastTextLanguageDetector(lane)
    lane.close()


def test_the_card_covers_no_category(detector: LanguageDetector):
    """Law: a language is no harm, so a detector covers none."""
    assert detector.card.name
    assert detector.card.version
    assert detector.card.categories == frozenset()


async def test_plain_english_is_english(detector: LanguageDetector):
    """Law: a sentence of a dozen words has a language."""
    language = await detector.detect(ENGLISH)
    assert language.code == "en"
    assert 0 < language.confidence <= 1


@pytest.mark.parametrize("text", ["", " \n", "12345 67", "\U0001f600\U0001f600", "...", "ok"])
async def test_a_text_without_words_is_unknown(detector: LanguageDetector, text: str):
    """Law: unknown rather than a wild guess."""
    assert await detector.detect(text) == DetectedLanguage()


@settings(max_examples=80, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=200))
async def test_any_string_gets_an_answer(detector: LanguageDetector, text: str):
    """Law: no string makes a detector fail, and unknown goes with no confidence."""
    language = await detector.detect(text)
    assert 0 <= language.confidence <= 1
    assert language.is_known == (language.confidence > 0)


async def test_the_same_text_gives_the_same_answer(detector: LanguageDetector):
    """Law: nothing is kept from one call to the next."""
    first = await detector.detect(ENGLISH)
    await detector.detect("Der Zug f\u00e4hrt heute leider nicht bis zum Hauptbahnhof.")
    assert await detector.detect(ENGLISH) == first


async def test_a_long_text_has_the_language_of_its_sentences(detector: LanguageDetector):
    """Law: a megabyte is answered like a paragraph."""
    assert (await detector.detect(ENGLISH * 16_000)).code == "en"

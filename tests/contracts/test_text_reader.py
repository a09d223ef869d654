"""One suite for every ``TextReader``. A new one joins with one line in ``CASES``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.language import FastTextLanguageDetector
from gaveld.adapters.text.lexicon import TermListClassifier
from gaveld.adapters.text.links import LinkClassifier
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.application.ports import Classifier, TextReader
from gaveld.application.read_text import ReadText
from gaveld.domain.content import Span, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierReport, OutcomeStatus
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.text_reader import LINKS, FakeTextReader

FRENCH = "[fr] Bonjour à tous, comment allez-vous ce matin ?"
ABSENT = ClassifierCard("absent", "", frozenset({"V2"}))
POLICY = Policy("test@1", {})


class English:
    """A classifier that reads English, and always fails."""

    card = ClassifierCard("english", "1", frozenset({"H2"}), languages=frozenset({"en"}))

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: TextSample) -> ClassifierReport:
        raise RuntimeError(sample.text)


class Hanging:
    """A classifier that never answers."""

    card = ClassifierCard("hanging", "1", frozenset({"H2"}))

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: TextSample) -> ClassifierReport:
        await asyncio.Event().wait()
        raise AssertionError


@asynccontextmanager
async def fake() -> AsyncIterator[TextReader]:
    yield FakeTextReader({"192.0.2.7": (LINKS, "S2", 0.7)})


@asynccontextmanager
async def over_the_text_path(*more: Classifier[TextSample]) -> AsyncIterator[TextReader]:
    lane = CpuLane(threads=1)
    yield ReadText(
        normaliser=DisguiseNormaliser(lane),
        language_detector=FastTextLanguageDetector(lane),
        classifiers=[LinkClassifier(lane), TermListClassifier(lane), English(), *more],
        absent=[ABSENT],
        telemetry=FakeTelemetry(),
        seconds=30,
    )
    lane.close()


CASES: dict[str, Callable[[], AbstractAsyncContextManager[TextReader]]] = {
    "fake": fake,
    "read_text": over_the_text_path,
}
"""Each finds a link to an address in "see http://192.0.2.7/login"."""


@pytest.fixture(params=CASES)
async def reader(request) -> AsyncIterator[TextReader]:
    async with CASES[request.param]() as reader:
        yield reader


async def test_what_is_found_is_told(reader: TextReader):
    """Law: findings and readings are of the text, and the classifier that found is listed."""
    text = "see http://192.0.2.7/login for your prize"
    read = await reader.read(text, POLICY)
    assert read.readings.as_sent == text
    assert {finding.category_id for finding in read.learnt.signals.findings} == {"S2"}
    ran = {entry.card.name for entry in read.learnt.outcomes if entry.missed_as is None}
    assert {"links", "language"} <= ran


async def test_the_language_is_told(reader: TextReader):
    """Law: a language that was detected stands beside what was learnt."""
    read = await reader.read(FRENCH, POLICY)
    assert read.learnt.language is not None
    assert read.learnt.language.base == "fr"


async def test_texts_do_not_mix(reader: TextReader):
    """Law: of texts read at once each is read for itself."""
    texts = ["see http://192.0.2.7/login", "Good morning everyone."] * 2
    read = await asyncio.gather(*(reader.read(text, POLICY) for text in texts))
    assert [bool(entry.learnt.signals.findings) for entry in read] == [True, False] * 2


async def test_terms_of_the_call_are_found(reader: TextReader):
    """Law: terms that a call blocks are found beside the policy's own, and in that call alone."""
    text = "Good morning, do you sell globex here?"
    read = await reader.read(text, POLICY, blocked_terms=("globex",), deadline_seconds=30)
    (finding,) = read.learnt.signals.findings
    assert (finding.category_id, finding.span) == ("L2", Span(26, 32))
    assert not (await reader.read(text, POLICY)).learnt.signals.findings


async def test_everything_is_listed_for_a_text_that_is_not_read(reader: TextReader):
    """Law: what is not read has the outcomes of all that would have read it, needless or missed."""
    read = await reader.read("Good morning everyone.", POLICY)
    names = sorted(entry.card.name for entry in read.learnt.outcomes)
    for is_needless in (False, True):
        unread = reader.unread("There is none.", is_needless=is_needless)
        assert sorted(entry.card.name for entry in unread) == names
        skipped = [entry for entry in unread if entry.status is OutcomeStatus.SKIPPED]
        assert {entry.reason for entry in skipped} == {"There is none."}
        assert {entry.missed_as is None for entry in skipped} == {is_needless}


async def test_a_deadline_that_is_over_costs_coverage():
    """Law: without time no classifier is waited for, and the call is answered all the same."""
    async with over_the_text_path(Hanging()) as reader:
        read = await reader.read("see http://192.0.2.7/login", POLICY, deadline_seconds=0)
    status = {entry.card.name: entry.status for entry in read.learnt.outcomes}
    assert status["hanging"] is OutcomeStatus.TIMED_OUT
    assert status["language"] is OutcomeStatus.RAN


async def test_gaps_are_told():
    """Law: one that fails, does not read the language or is not installed costs coverage alone."""
    async with over_the_text_path() as reader:
        missed = [
            {
                entry.card.name: entry.status
                for entry in (await reader.read(text, POLICY)).learnt.outcomes
                if entry.missed_as is not None
            }
            for text in ("Good morning to you all, my friends.", FRENCH)
        ]
    assert missed == [
        {"english": OutcomeStatus.FAILED, "absent": OutcomeStatus.NOT_INSTALLED},
        {"english": OutcomeStatus.SKIPPED, "absent": OutcomeStatus.NOT_INSTALLED},
    ]

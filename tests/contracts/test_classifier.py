"""One suite for every ``Classifier[TextSample]``. A new one joins with one line below."""

import asyncio
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane, WorkCancelled
from gaveld.adapters.text.lexicon import LexiconClassifier, TermListClassifier
from gaveld.adapters.text.links import LinkClassifier
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.personal_data import PersonalDataClassifier
from gaveld.adapters.text.toxicity_model import LinearTextClassifier
from gaveld.adapters.text.transformer_model import (
    Manifest,
    OnnxRuntimeEngine,
    TransformerTextClassifier,
)
from gaveld.application.ports import Classifier
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy, TermList, TermMatch
from gaveld.domain.signals import MAX_TOPICS, ClassifierReport
from tests.fakes.classifier import FakeClassifier
from tests.unit.adapters.text.tiny_transformer import tiny_manifest

TextClassifier = Classifier[TextSample]


class Case(NamedTuple):
    """How to make a classifier, and a text in which it finds something."""

    make: Callable[[CpuLane], TextClassifier]
    telling: str


@cache
def manifest() -> Manifest:
    return tiny_manifest(Path(tempfile.mkdtemp()), max_tokens=512)


def transformer(lane: CpuLane) -> TextClassifier:
    engine = OnnxRuntimeEngine(manifest().weights, threads=1)
    return TransformerTextClassifier(lane, manifest(), engine)


CASES = {
    "fake": Case(lambda lane: FakeClassifier(lane, {"sesame": "L2"}), "open sesame, please"),
    "lexicon": Case(LexiconClassifier, "what the fuck"),
    "terms": Case(TermListClassifier, "have you tried acmecoin yet"),
    "links": Case(LinkClassifier, "see http://1572395042/login now"),
    "personal_data": Case(PersonalDataClassifier, "write to bob@example.com"),
    "linear": Case(LinearTextClassifier, "You are a stupid idiot"),
    "transformer": Case(transformer, "You are a stupid idiot"),
}
POLICY = Policy(
    "test",
    {},
    term_lists=(TermList("rivals", TermMatch.EXACT, ("acmecoin",)),),
    blocked_domains=("bad.example",),
)
ORDINARY = "The committee met on Tuesday and approved the minutes of the last meeting. "
MARKS = (
    *("@", ".", "://", "http", "hxxp", "[.]", " dot com", "1", "4111 ", "+1 ", "(", ")", "-", " "),
    *("GB82", "::", "a", "\u0430", "\u200b", "\uff0e", "xn--", "password=", "fuck", "Bearer "),
)


class WatchedLane(CpuLane):
    """A lane whose long work halts at its first checkpoint until released."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.halted = threading.Event()
        self.released = threading.Event()
        self.unwound = threading.Event()

    async def aside(self, work):
        def watched(checkpoint: Checkpoint):
            def halt() -> None:
                self.halted.set()
                self.released.wait()
                checkpoint()

            try:
                return work(halt)
            except WorkCancelled:
                self.unwound.set()
                raise

        return await super().aside(watched)


@pytest.fixture(scope="module")
def lane():
    lane = CpuLane()
    yield lane
    lane.close()


@pytest.fixture(scope="module", params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def classifier(case: Case, lane: CpuLane) -> TextClassifier:
    return case.make(lane)


def sample(text: str) -> TextSample:
    readings = read(text, lambda: None)
    return TextSample(readings, DetectedLanguage("en", 0.9), POLICY)


def assert_lawful(report: ClassifierReport, classifier: TextClassifier, text: str) -> None:
    for finding in report.findings:
        assert finding.category_id in classifier.card.categories
        assert (finding.classifier, finding.version) == (
            classifier.card.name,
            classifier.card.version,
        )
        assert 0 <= finding.score <= 1
        assert finding.reason
        if finding.span is not None:
            assert 0 <= finding.span.start < finding.span.end <= len(text)
    assert set(report.attributes) <= classifier.card.attributes
    assert all(0 <= score <= 1 for score in report.attributes.values())
    names = [topic.name for topic in report.topics]
    scores = [topic.score for topic in report.topics]
    assert len(names) == len(set(names)) <= MAX_TOPICS
    assert all(name == name.lower().strip() != "" for name in names)
    assert scores == sorted(scores, reverse=True)


def test_the_card_says_what_the_classifier_is(case: Case, classifier: TextClassifier):
    """Law: a card is complete, constant, and speaks of the catalogue's categories only."""
    assert classifier.card.name
    assert classifier.card.version
    assert classifier.card.categories
    assert classifier.card.categories <= set(CATALOGUE)
    assert classifier.card == classifier.card


async def test_what_it_is_made_for_is_found_where_it_is(case: Case, classifier: TextClassifier):
    """Law: a telling text has findings, each in a category of the card, with a span within."""
    report = await classifier.classify(sample(case.telling))
    assert report.findings
    assert_lawful(report, classifier, case.telling)


@pytest.mark.parametrize("text", ["", " ", ORDINARY, "Can you send me the report by Friday?"])
async def test_a_text_without_anything_in_it_has_an_empty_report(
    classifier: TextClassifier, text: str
):
    """Law: nothing found is no finding, never an error."""
    report = await classifier.classify(sample(text))
    assert report.findings == ()


async def test_the_same_sample_gives_the_same_report(case: Case, classifier: TextClassifier):
    """Law: nothing is kept from one call to the next, nor between calls at once."""
    first = await classifier.classify(sample(case.telling))
    others = [sample(ORDINARY * 40), sample(case.telling), sample(case.telling * 200)]
    again = await asyncio.gather(*map(classifier.classify, others))
    assert again[1] == first


async def test_warming_up_changes_no_report(case: Case, classifier: TextClassifier):
    """Law: warming up is idempotent, and only saves time."""
    before = await classifier.classify(sample(case.telling))
    await classifier.warm_up()
    await classifier.warm_up()
    assert await classifier.classify(sample(case.telling)) == before


async def test_a_long_text_is_looked_at_to_its_end(case: Case, classifier: TextClassifier):
    """Law: length hides nothing: what ends a long text is found."""
    text = ORDINARY * 300 + case.telling
    report = await classifier.classify(sample(text))
    assert_lawful(report, classifier, text)
    spans = [finding.span for finding in report.findings if finding.span is not None]
    assert any(span.end > len(text) - len(case.telling) for span in spans)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=200))
async def test_any_string_gets_a_lawful_report(classifier: TextClassifier, text: str):
    """Law: no string makes a classifier fail or point outside the text."""
    assert_lawful(await classifier.classify(sample(text)), classifier, text)


@settings(max_examples=60, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(MARKS),
        max_size=60,
    ).map("".join)
)
async def test_any_pile_of_marks_gets_a_lawful_report(classifier: TextClassifier, text: str):
    """Law: what looks like the beginning of everything is no error either."""
    assert_lawful(await classifier.classify(sample(text)), classifier, text)


async def test_a_cancelled_call_stops_its_work(case: Case):
    """Law: once its caller has gone, the work on a megabyte ends at the next checkpoint."""
    lane = WatchedLane()
    classifier = case.make(lane)
    call = asyncio.create_task(classifier.classify(sample("word " * 200_000)))
    assert await asyncio.to_thread(lane.halted.wait, 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    lane.released.set()
    assert await asyncio.to_thread(lane.unwound.wait, 30)
    lane.close()

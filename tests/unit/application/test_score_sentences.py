"""Scoring each sentence of a text, over classifiers that do as they are told."""

import asyncio

from gaveld.application.score_sentences import (
    MOST_SENTENCES,
    SENTENCES_AT_ONCE,
    ScoreSentences,
    SentenceScores,
)
from gaveld.domain.content import DetectedLanguage, Span, TextReadings, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Attribute, ClassifierCard, ClassifierReport

ENGLISH = DetectedLanguage("en", 0.9)
POLICY = Policy("house@1", {})


class Plain:
    """A normaliser for texts that hide nothing."""

    async def normalise(self, text: str) -> TextReadings:
        return TextReadings.plain(text)


class Shouting:
    """Scores capital letters as an insult; as slow as it is told to be."""

    def __init__(self, *, hangs: bool = False, scores: bool = True) -> None:
        attributes = frozenset({Attribute.INSULT} if scores else ())
        self.card = ClassifierCard("shouting", "1", frozenset({"H2"}), attributes)
        self.samples: list[TextSample] = []
        self.at_once = self.most_at_once = 0
        self._hangs = hangs

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: TextSample) -> ClassifierReport:
        self.samples.append(sample)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await (asyncio.Event().wait() if self._hangs else asyncio.sleep(0))
        finally:
            self.at_once -= 1
        return ClassifierReport(attributes={Attribute.INSULT: float(sample.text.isupper())})


async def scored(
    text: str, *classifiers: Shouting, seconds: float = 5.0
) -> tuple[SentenceScores, ...]:
    """Score a text's sentences."""
    return await ScoreSentences(Plain(), classifiers)(
        text,
        ENGLISH,
        POLICY,
        deadline_seconds=seconds,
        on_failure=lambda card, failure: None,
    )


async def test_each_sentence_is_scored_by_itself():
    """Law: scores come in the order of sentences, each with where it stands in the text."""
    shouting = Shouting()
    assert await scored("Be quiet. SHUT UP! Please.", shouting) == (
        SentenceScores(Span(0, 9), {Attribute.INSULT: 0.0}),
        SentenceScores(Span(10, 18), {Attribute.INSULT: 1.0}),
        SentenceScores(Span(19, 26), {Attribute.INSULT: 0.0}),
    )
    assert all(sample.language == ENGLISH for sample in shouting.samples)
    assert all(sample.policy is POLICY for sample in shouting.samples)


async def test_only_what_scores_traits_is_asked():
    """Law: classifiers without traits cost nothing here."""
    silent = Shouting(scores=False)
    (only,) = await scored("HELLO", silent)
    assert not only.attributes
    assert not silent.samples


async def test_a_long_text_is_read_in_part_and_a_few_sentences_at_a_time():
    """Law: neither the answer nor the work at any moment grows without bound."""
    shouting = Shouting()
    found = await scored("Go. " * (MOST_SENTENCES + 50), shouting)
    assert len(found) == MOST_SENTENCES
    assert shouting.most_at_once <= SENTENCES_AT_ONCE


async def test_what_is_not_scored_in_time_has_no_scores():
    """Law: a sentence without scores is not a sentence with the score 0."""
    found = await scored("One here. Two there.", Shouting(hangs=True), seconds=0.05)
    assert [entry.attributes for entry in found] == [{}, {}]

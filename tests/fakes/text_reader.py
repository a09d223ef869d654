"""A reader of texts that knows some words, and can be slow or know another language."""

import asyncio
from collections.abc import Mapping

from gaveld.application.ports import TextRead, TextSignals
from gaveld.domain.content import DetectedLanguage, Span, TextReadings
from gaveld.domain.policies import Policy
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)

LANGUAGES = {"[fr": "fr", "[?": "und-Latn"}
LANGUAGE = ClassifierCard("language", "1", frozenset())
LEXICON = ClassifierCard("lexicon", "1", frozenset({"H1", "H2", "L1"}))
LINKS = ClassifierCard("links", "1", frozenset({"S2"}))
PERSONAL_DATA = ClassifierCard("personal_data", "1", frozenset({"P1", "P2"}))
TERMS = ClassifierCard("terms", "1", frozenset({"L2"}))
CARDS = (LEXICON, LINKS, PERSONAL_DATA, TERMS)


class FakeTextReader:
    """A ``TextReader`` that finds words: each is a classifier's, with a category and a score.

    A text that begins with ``[fr]`` is French; with ``[?]`` it is hard to say. ``gate`` holds it
    until it is set; ``failing`` is listed as failed. ``texts`` are those that were read. Blocked
    terms are found as they are spelt.
    """

    def __init__(
        self,
        words: Mapping[str, tuple[ClassifierCard, str, float]] | None = None,
        *,
        gate: asyncio.Event | None = None,
        failing: ClassifierCard | None = None,
    ) -> None:
        self._words = dict(words or {})
        self.gate, self.failing = gate, failing
        self.texts: list[str] = []

    async def read(
        self,
        text: str,
        policy: Policy,
        *,
        blocked_terms: tuple[str, ...] = (),
        deadline_seconds: float | None = None,
    ) -> TextRead:
        self.texts.append(text)
        if self.gate is not None:
            await self.gate.wait()
        words = {**self._words, **dict.fromkeys(blocked_terms, (TERMS, "L2", 0.9))}
        findings = tuple(
            Finding(category_id, score, "A listed word.", card.name, card.version, span)
            for word, (card, category_id, score) in words.items()
            if word in text and card != self.failing
            for span in (Span(text.index(word), text.index(word) + len(word)),)
        )
        outcomes = tuple(
            ClassifierOutcome(
                card, OutcomeStatus.FAILED if card == self.failing else OutcomeStatus.RAN
            )
            for card in CARDS
        )
        language = DetectedLanguage(LANGUAGES.get(text.partition("]")[0], "en"), 0.9)
        learnt = TextSignals(
            language, ClassifierOutcome(LANGUAGE, OutcomeStatus.RAN), Signals(findings, outcomes)
        )
        return TextRead(TextReadings.plain(text), learnt)

    def unread(self, reason: str, *, is_needless: bool = False) -> tuple[ClassifierOutcome, ...]:
        return tuple(
            ClassifierOutcome(card, OutcomeStatus.SKIPPED, reason=reason, is_needless=is_needless)
            for card in (LANGUAGE, *CARDS)
        )

"""A panel of heads that knows some words, and counts how often it is asked."""

import asyncio
from collections.abc import Mapping, Sequence

from gaveld.application.ports import HeadScores, PanelScores
from gaveld.domain.content import TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding

CATEGORIES = ("H1", "H2", "H3", "L1", "D1", "C4", "S4")
QUIET = 0.01


class FakePanelScorer:
    """A ``PanelScorer`` whose heads give each word that they know its category and score.

    ``words`` are all heads', ``by_head`` one head's beside them. ``gate`` holds it until it is set
    and ``failure`` is raised; both may be set at any time. ``calls`` has the texts of each call;
    ``asked`` and ``cancelled`` are set when a call first is.
    """

    heads = 10
    card = ClassifierCard("model", "1", frozenset(CATEGORIES), languages=frozenset({"en"}))

    def __init__(
        self,
        words: Mapping[str, tuple[str, float]] | None = None,
        by_head: Mapping[int, Mapping[str, tuple[str, float]]] | None = None,
        *,
        companion: Mapping[str, float] | None = None,
        gate: asyncio.Event | None = None,
    ) -> None:
        self._words, self._by_head = dict(words or {}), dict(by_head or {})
        self._companion = dict(companion or {})
        self.gate = gate
        self.failure: Exception | None = None
        self.calls: list[list[str]] = []
        self.asked, self.cancelled = asyncio.Event(), asyncio.Event()

    async def score(self, sample: TextSample, further: Sequence[Sequence[str]] = ()) -> PanelScores:
        self.calls.append([sample.text, *(text for group in further for text in group)])
        self.asked.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.failure is not None:
            raise self.failure
        findings = tuple(
            Finding(category_id, score, "A known word.", self.card.name, self.card.version)
            for word, (category_id, score) in self._words.items()
            if word in sample.text
        )
        return PanelScores(
            ClassifierReport(findings),
            self._scores([sample.readings.as_sent]),
            self._scores([sample.readings.unmasked.text]),
            tuple(self._scores(group) for group in further),
            self._companion,
        )

    def _scores(self, texts: Sequence[str]) -> HeadScores:
        return tuple(self._of_head(head, texts) for head in range(self.heads))

    def _of_head(self, head: int, texts: Sequence[str]) -> Mapping[str, float]:
        scores = dict.fromkeys(CATEGORIES, QUIET)
        for word, (category_id, score) in {**self._words, **self._by_head.get(head, {})}.items():
            if any(word in text for text in texts):
                scores[category_id] = max(score, scores[category_id])
        return scores

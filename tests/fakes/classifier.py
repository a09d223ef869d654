"""A classifier that knows a few words, and works on a lane as the real ones do."""

import re
from collections.abc import Mapping

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane, steps
from gaveld.domain.content import Span, TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding


class FakeClassifier:
    """A ``Classifier[TextSample]`` that finds words; ``categories`` gives each word's id."""

    def __init__(self, lane: CpuLane, categories: Mapping[str, str], score: float = 0.9) -> None:
        self._lane = lane
        self._categories = dict(categories)
        self._score = score
        self._words = re.compile("|".join(map(re.escape, self._categories)))
        self.card = ClassifierCard("fake", "1", frozenset(self._categories.values()))
        self.warmed_up = 0

    async def warm_up(self) -> None:
        self.warmed_up += 1

    async def classify(self, sample: TextSample) -> ClassifierReport:
        def work(checkpoint: Checkpoint) -> ClassifierReport:
            findings: list[Finding] = []
            for start, end in steps(len(sample.text)):
                checkpoint()
                words = self._words.finditer(sample.text, start, end)
                findings.extend(map(self._finding, words))
            return ClassifierReport(tuple(findings))

        return await self._lane.run(len(sample.text), work)

    def _finding(self, word: re.Match[str]) -> Finding:
        category = self._categories[word[0]]
        return Finding(category, self._score, "A word.", "fake", "1", Span(*word.span()))

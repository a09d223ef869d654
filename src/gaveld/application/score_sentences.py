"""Scores the traits of each sentence of a text, beside those of the whole. It judges nothing."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gaveld.application.fan_out import OnFailure, ask_of_text
from gaveld.application.ports import Classifier, TextNormaliser
from gaveld.domain.content import DetectedLanguage, Span, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.sentences import sentence_spans
from gaveld.domain.signals import Attribute

MOST_SENTENCES: Final = 1_000
"""Of a longer text the first so many are scored."""

SENTENCES_AT_ONCE: Final = 8
"""So many are read at a time, so that a long text does not crowd out other calls."""


@dataclass(frozen=True, slots=True)
class SentenceScores:
    """The traits of a sentence, 0–1; empty where none could be scored, or not in time."""

    span: Span
    attributes: Mapping[Attribute, float]


class ScoreSentences:
    """Asks those of some classifiers that score traits about each sentence by itself."""

    def __init__(
        self, normaliser: TextNormaliser, classifiers: Sequence[Classifier[TextSample]]
    ) -> None:
        self._normaliser = normaliser
        self._classifiers = tuple(entry for entry in classifiers if entry.card.attributes)

    async def __call__(
        self,
        text: str,
        language: DetectedLanguage,
        policy: Policy,
        *,
        deadline_seconds: float,
        on_failure: OnFailure,
    ) -> tuple[SentenceScores, ...]:
        """Return the scores of the first ``MOST_SENTENCES``, in order, within a time from now.

        Each is read in the language of the whole text, which says more about it than few words do.
        """
        due = time.monotonic() + deadline_seconds
        spans = list(islice(sentence_spans(text), MOST_SENTENCES))
        scored = [SentenceScores(span, {}) for span in spans]

        async def work(todo: Iterator[tuple[int, Span]]) -> None:
            for index, span in todo:
                if (remaining := due - time.monotonic()) <= 0:
                    return
                readings = await self._normaliser.normalise(text[span.start : span.end])
                sample = TextSample(readings, language, policy)
                signals = await ask_of_text(self._classifiers, sample, remaining, on_failure)
                scored[index] = SentenceScores(span, signals.attributes)

        todo = iter(enumerate(spans))
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(SENTENCES_AT_ONCE, len(spans))):
                workers.create_task(work(todo))
        return tuple(scored)

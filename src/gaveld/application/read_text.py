"""Reads a text with everything that finds signals in it, for reviewers to weigh. It judges nothing.

``moderate`` does the same on the way to a verdict, under a call's deadline and with a cache.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gaveld.application.failures import log_failed_classifier
from gaveld.application.fan_out import ask_of_text, attempt, not_installed
from gaveld.application.ports import (
    Classifier,
    LanguageDetector,
    Telemetry,
    TextNormaliser,
    TextRead,
    TextSignals,
)
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus


class ReadText:
    """The ``TextReader`` over the parts of the text path.

    ``absent`` are classifiers that this server knows of and does not have. No classifier has more
    than ``seconds`` for a text.
    """

    def __init__(
        self,
        *,
        normaliser: TextNormaliser,
        language_detector: LanguageDetector,
        classifiers: Sequence[Classifier[TextSample]],
        absent: Sequence[ClassifierCard],
        telemetry: Telemetry,
        seconds: float,
    ) -> None:
        self._normaliser = normaliser
        self._language_detector = language_detector
        self._classifiers = tuple(classifiers)
        self._absent = not_installed(absent)
        self._telemetry = telemetry
        self._seconds = seconds

    async def read(
        self,
        text: str,
        policy: Policy,
        *,
        blocked_terms: tuple[str, ...] = (),
        deadline_seconds: float | None = None,
    ) -> TextRead:
        """Return the text's readings and what was learnt of it; see ``TextReader.read``."""
        due = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        readings = await self._normaliser.normalise(text)
        detector = self._language_detector
        language_outcome, detected = await attempt(
            detector.card, partial(detector.detect, text), log_failed_classifier
        )
        sample = TextSample(readings, detected or DetectedLanguage(), policy, blocked_terms)
        seconds = self._seconds if due is None else min(self._seconds, due - time.monotonic())
        signals = await ask_of_text(self._classifiers, sample, seconds, log_failed_classifier)
        for outcome in signals.outcomes:
            self._telemetry.classifier_finished(outcome.card, outcome.status, outcome.seconds)
        signals = replace(signals, outcomes=(*signals.outcomes, *self._absent))
        return TextRead(readings, TextSignals(detected, language_outcome, signals))

    def unread(self, reason: str, *, is_needless: bool = False) -> tuple[ClassifierOutcome, ...]:
        """Return the outcomes for a text that was not read; see ``TextReader.unread``."""
        cards = (self._language_detector.card, *(entry.card for entry in self._classifiers))
        skipped = tuple(
            ClassifierOutcome(card, OutcomeStatus.SKIPPED, reason=reason, is_needless=is_needless)
            for card in cards
        )
        return (*skipped, *self._absent)

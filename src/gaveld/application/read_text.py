"""Reads a text with everything that finds signals in it, for reviewers to weigh. It judges nothing.

``moderate`` does the same on the way to a verdict, under a call's deadline and with a cache.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gaveld.application.failures import place_of
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
from gaveld.domain.signals import ClassifierCard

_log = logging.getLogger(__name__)


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

    async def read(self, text: str, policy: Policy) -> TextRead:
        """Return the text's readings and what was learnt of it; see ``TextReader.read``."""
        readings = await self._normaliser.normalise(text)
        detector = self._language_detector
        language_outcome, detected = await attempt(
            detector.card, partial(detector.detect, text), self._log_failure
        )
        sample = TextSample(readings, detected or DetectedLanguage(), policy)
        signals = await ask_of_text(self._classifiers, sample, self._seconds, self._log_failure)
        for outcome in signals.outcomes:
            self._telemetry.classifier_finished(outcome.card, outcome.status, outcome.seconds)
        signals = replace(signals, outcomes=(*signals.outcomes, *self._absent))
        return TextRead(readings, TextSignals(detected, language_outcome, signals))

    @staticmethod
    def _log_failure(card: ClassifierCard, failure: Exception) -> None:
        # The type and place only: a library's message may quote the content.
        _log.error(
            "classifier failed",
            extra={"classifier": card.name, "version": card.version, "cause": place_of(failure)},
        )

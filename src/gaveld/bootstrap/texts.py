"""Loads what reads texts, and says what is left out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import structlog

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.language import FastTextLanguageDetector
from gaveld.adapters.text.lexicon import LexiconClassifier, TermListClassifier
from gaveld.adapters.text.links import LinkClassifier
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.adapters.text.personal_data import PersonalDataClassifier
from gaveld.adapters.text.toxicity_model import LinearTextClassifier
from gaveld.application.ports import Classifier, LanguageDetector, Telemetry, TextNormaliser
from gaveld.application.read_text import ReadText
from gaveld.bootstrap.settings import SettingsError, TextSettings
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard

TextClassifier = Classifier[TextSample]


_log = structlog.get_logger(__name__)


LOOKS_FOR: Final[Mapping[str, str]] = {
    "lexicon": "A1 H1 H2 L1",
    "terms": "L2",
    "links": "S2",
    "personal_data": "P1 P2",
    "transformer": "A1 A3 C4 D1 H1 H2 H3 L1 S1 S4 V1",
}
"""The categories of every classifier that belongs to a full server, for those not loaded."""


STANDS_IN: Final[Mapping[str, tuple[str, str]]] = {
    "linear": ("transformer", "A1 C4 D1 H1 H2 H3 L1 S1 S4 V1"),
}
"""A lighter classifier that may be loaded instead of another, and what it covers of it."""


@dataclass(frozen=True, slots=True)
class TextPath:
    """The parts that read text, sharing one lane of threads, and the cards of those left out."""

    normaliser: TextNormaliser
    language_detector: LanguageDetector
    classifiers: tuple[TextClassifier, ...]
    absent: tuple[ClassifierCard, ...]

    @property
    def installed(self) -> tuple[ClassifierCard, ...]:
        """The cards of the classifiers that are there."""
        return tuple(entry.card for entry in self.classifiers)

    def reader(self, telemetry: Telemetry, seconds: float) -> ReadText:
        """Return what reads texts with all of it, each classifier within so many seconds."""
        return ReadText(
            normaliser=self.normaliser,
            language_detector=self.language_detector,
            classifiers=self.classifiers,
            absent=self.absent,
            telemetry=telemetry,
            seconds=seconds,
        )

    async def warm_up(self) -> None:
        """Load every model and judge one text with each, so that the first call is no slower."""
        readings = await self.normaliser.normalise(_WARM_UP_TEXT)
        await self.language_detector.detect(_WARM_UP_TEXT)
        sample = TextSample(readings, DetectedLanguage("en", 1.0), Policy("warm-up", {}))
        for classifier in self.classifiers:
            await classifier.warm_up()
            await classifier.classify(sample)


def absent_cards(settings: TextSettings) -> tuple[ClassifierCard, ...]:
    """Return what the classifiers that the settings leave out would have looked for.

    One that another stands in for is missed only for what the other does not cover.
    """
    absent = {
        name: set(categories.split())
        for name, categories in LOOKS_FOR.items()
        if name not in settings.classifiers
    }
    for name, (other, covered) in STANDS_IN.items():
        if name in settings.classifiers and other in absent:
            absent[other] -= set(covered.split())
    return tuple(
        ClassifierCard(name, "", frozenset(categories))
        for name, categories in absent.items()
        if categories
    )


def build_text_path(
    settings: TextSettings, stack: AsyncExitStack, telemetry: PrometheusTelemetry
) -> TextPath:
    """Load the text family. Reads model files, so not for an event loop.

    Raises ``SettingsError`` for a phone region without a numbering plan, and for a transformer or
    an engine of it that can't be loaded.
    """
    lane = CpuLane(settings.threads)
    stack.callback(lane.close)
    makers: dict[str, Callable[[], TextClassifier]] = {
        "lexicon": lambda: LexiconClassifier(lane),
        "terms": lambda: TermListClassifier(lane),
        "links": lambda: LinkClassifier(lane),
        "personal_data": lambda: _personal_data(lane, settings.phone_regions),
        "linear": lambda: LinearTextClassifier(lane),
        "transformer": lambda: _transformer(settings, stack, telemetry),
    }
    return TextPath(
        normaliser=DisguiseNormaliser(lane),
        language_detector=FastTextLanguageDetector(lane),
        classifiers=tuple(makers[name]() for name in settings.classifiers),
        absent=absent_cards(settings),
    )


def _personal_data(lane: CpuLane, phone_regions: Sequence[str]) -> TextClassifier:
    try:
        return PersonalDataClassifier(lane, phone_regions)
    except ValueError as error:
        raise SettingsError(f"text.phone_regions: {error}") from error


def _transformer(
    settings: TextSettings, stack: AsyncExitStack, telemetry: PrometheusTelemetry
) -> TextClassifier:
    # ONNX Runtime is 20 MB of memory that only those who use it should pay for.
    from gaveld.adapters.text.transformer_model import (
        SHIPPED_FOLDER,
        EngineNotInstalled,
        Manifest,
        TransformerTextClassifier,
        choose_engine,
    )

    try:
        manifest = Manifest.read(settings.transformer_folder or SHIPPED_FOLDER)
        engine, times = choose_engine(settings.engine, manifest.weights, settings.engine_threads)
        # A lane of its own: tokenising must not wait for another classifier's megabyte.
        lane = CpuLane(threads=1)
        stack.callback(lane.close)
        classifier = TransformerTextClassifier(
            lane,
            manifest,
            engine,
            tokens_a_batch=settings.engine_batch_tokens,
            cascade_below=settings.cascade_below,
            on_batch=lambda run: telemetry.engine_ran(
                run.rows, run.tokens, run.padded_tokens - run.tokens, run.seconds
            ),
        )
    except EngineNotInstalled as error:
        raise SettingsError(f"text.engine: {error}") from error
    except ValueError as error:
        raise SettingsError(f"text.transformer_folder: {error}") from error
    stack.callback(classifier.close)
    telemetry.engine_chosen(engine.name)
    if times:
        milliseconds = {
            name: {size: round(1e3 * seconds, 2) for size, seconds in best.items()}
            for name, best in times.items()
        }
        _log.info("engine_chosen", engine=engine.name, best_milliseconds=milliseconds)
    return classifier


_WARM_UP_TEXT: Final = (
    "A first text, read before any caller's: see https://example.com or +1 202 555 0100."
)

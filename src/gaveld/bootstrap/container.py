"""Puts the application together from its settings and proves every part of it.

``build`` creates; it starts nothing. Whatever it opened is closed, in reverse, by the stack it
was given, also when a later part fails.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gaveld import __version__
from gaveld.adapters.cache.answers import MemoryAnswerStore
from gaveld.adapters.cache.memory import MemoryVerdictCache
from gaveld.adapters.image.jpeg import JpegFrameEncoder
from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.storage.api_keys import (
    FileApiKeys,
    LayeredApiKeyStore,
    SqlApiKeyStore,
    create_tables,
)
from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.policies import DEFAULT_POLICY, YamlPolicyStore
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.language import FastTextLanguageDetector
from gaveld.adapters.text.lexicon import LexiconClassifier, TermListClassifier, validate_term_lists
from gaveld.adapters.text.links import LinkClassifier, listed_domain
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.adapters.text.personal_data import PersonalDataClassifier
from gaveld.adapters.text.toxicity_model import LinearTextClassifier
from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.application.api_keys import Authenticate
from gaveld.application.check import Check
from gaveld.application.list_categories import ListCategories
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import (
    ApiKeyStore,
    Classifier,
    Credits,
    FeedbackStore,
    LanguageDetector,
    RateLimiter,
    Reviewer,
    TextNormaliser,
)
from gaveld.application.read_text import ReadText
from gaveld.application.repeats import Repeats
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.bootstrap.chat_models import chat_reviewers
from gaveld.bootstrap.embedded_panel import embedded_reviewers
from gaveld.bootstrap.pictures import PicturePath, build_picture_path
from gaveld.bootstrap.plugins import antivirus, picture_describer, transcriber
from gaveld.bootstrap.reviews import build_media_reviews
from gaveld.bootstrap.settings import Settings, SettingsError, TextSettings
from gaveld.bootstrap.video import build_video_decoder
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard
from gaveld.transport.grpc.media_review_servicer import MediaReviews

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


ANSWER_SECONDS: Final = 600.0
"""So long the answer to a call is kept for those that repeat it under its request id."""


@dataclass(frozen=True, slots=True)
class TextPath:
    """The parts that read text, sharing one lane of threads."""

    normaliser: TextNormaliser
    language_detector: LanguageDetector
    classifiers: tuple[TextClassifier, ...]

    async def warm_up(self) -> None:
        """Load every model and judge one text with each, so that the first call is no slower."""
        readings = await self.normaliser.normalise(_WARM_UP_TEXT)
        await self.language_detector.detect(_WARM_UP_TEXT)
        sample = TextSample(readings, DetectedLanguage("en", 1.0), Policy("warm-up", {}))
        for classifier in self.classifiers:
            await classifier.warm_up()
            await classifier.classify(sample)


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that a transport needs to serve.

    ``authenticate`` is None when auth is off, ``submit_feedback`` when no feedback is kept.
    """

    text_path: TextPath
    picture_path: PicturePath
    video_decoder: ProcessVideoDecoder
    moderate_text: ModerateText
    check: Check
    review_compliance: ReviewCompliance
    media_reviews: MediaReviews
    list_categories: ListCategories
    repeats: Repeats
    submit_feedback: SubmitFeedback | None
    authenticate: Authenticate | None
    rate_limiter: RateLimiter
    telemetry: PrometheusTelemetry

    @property
    def installed(self) -> tuple[ClassifierCard, ...]:
        """The cards of every classifier that is there, of text and of pictures."""
        of_text = (entry.card for entry in self.text_path.classifiers)
        return (*of_text, *self.picture_path.installed)

    async def warm_up(self) -> None:
        """Have every part do its work once, so that the first call is no slower."""
        await self.text_path.warm_up()
        await self.picture_path.warm_up()
        await self.video_decoder.warm_up()


async def build(settings: Settings, stack: AsyncExitStack) -> Application:
    """Create and prove the application. Raises ``SettingsError`` or ``PolicyError`` if it can't."""
    telemetry = PrometheusTelemetry()
    policies = YamlPolicyStore(
        settings.policy.file or DEFAULT_POLICY, validate_term_lists, listed_domain
    )
    text_path = await asyncio.to_thread(build_text_path, settings.text, stack, telemetry)
    absent = absent_cards(settings.text)
    reader = ReadText(
        normaliser=text_path.normaliser,
        language_detector=text_path.language_detector,
        classifiers=text_path.classifiers,
        absent=absent,
        telemetry=telemetry,
        seconds=settings.grpc.max_deadline_seconds,
    )
    encoder, scanner = JpegFrameEncoder(), antivirus(settings.antivirus)
    stack.callback(encoder.close)
    video_decoder = build_video_decoder(settings.video, stack)
    picture_path = await build_picture_path(
        settings,
        stack,
        reader=reader,
        policies=policies,
        telemetry=telemetry,
        antivirus=scanner,
        describer=picture_describer(settings.description, encoder, stack),
    )
    of_text = [entry.card for entry in text_path.classifiers]
    installed = [*of_text, *picture_path.installed]
    telemetry.announce(__version__, installed)
    reviewers: tuple[Reviewer, ...] = (
        *embedded_reviewers(
            settings,
            normaliser=text_path.normaliser,
            language_detector=text_path.language_detector,
            classifiers=text_path.classifiers,
            absent=absent,
            telemetry=telemetry,
        ),
        *chat_reviewers(settings.panel.chat_models, stack),
    )
    _prove_panels(policies.all(), reviewers)
    authenticate, balances, submit_feedback = None, None, None
    if settings.auth.enabled or settings.feedback.enabled:
        engine = await _open_engine(settings.storage.url, stack)
        if settings.auth.enabled:  # else nobody knows who calls, and so who pays
            authenticate = Authenticate(_api_keys(engine, settings))
            balances = SqlCredits(engine)
        if settings.feedback.enabled:
            submit_feedback = SubmitFeedback(SqlFeedbackStore(engine))
    moderate_text = ModerateText(
        normaliser=text_path.normaliser,
        language_detector=text_path.language_detector,
        classifiers=text_path.classifiers,
        absent=absent,
        policies=policies,
        telemetry=telemetry,
        max_text_bytes=settings.text.max_text_bytes,
        cache=MemoryVerdictCache(settings.cache.max_bytes) if settings.cache.max_bytes else None,
    )
    review_compliance = ReviewCompliance(
        reviewers=reviewers,
        policies=policies,
        telemetry=telemetry,
        reviewer_timeout_seconds=settings.panel.reviewer_timeout_seconds,
        max_text_bytes=settings.text.max_text_bytes,
        balances=balances,
    )
    media_reviews = build_media_reviews(
        decoder=video_decoder,
        max_work_seconds=settings.grpc.max_deadline_seconds,
        picture_path=picture_path,
        encoder=encoder,
        reader=reader,
        spoken=frozenset(name for card in (*of_text, *absent) for name in card.categories),
        review_compliance=review_compliance,
        antivirus=scanner,
        transcriber=transcriber(settings.speech, stack),
    )
    return Application(
        text_path=text_path,
        picture_path=picture_path,
        video_decoder=video_decoder,
        moderate_text=moderate_text,
        check=Check(moderate_text, picture_path.moderate_image, policies),
        review_compliance=review_compliance,
        media_reviews=media_reviews,
        list_categories=ListCategories(
            installed,
            (*absent, *picture_path.absent),
            (card.name for card in (*picture_path.installed, *picture_path.absent)),
        ),
        repeats=Repeats(MemoryAnswerStore(settings.cache.max_answer_bytes, ANSWER_SECONDS)),
        submit_feedback=submit_feedback,
        authenticate=authenticate,
        rate_limiter=MemoryRateLimiter(),
        telemetry=telemetry,
    )


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


async def open_api_keys(settings: Settings, stack: AsyncExitStack) -> ApiKeyStore:
    """Open the store of API keys, making its tables if need be."""
    return _api_keys(await _open_engine(settings.storage.url, stack), settings)


async def open_credits(settings: Settings, stack: AsyncExitStack) -> Credits:
    """Open the store of credits, making its tables if need be."""
    return SqlCredits(await _open_engine(settings.storage.url, stack))


async def open_feedback(settings: Settings, stack: AsyncExitStack) -> FeedbackStore:
    """Open the store of people's opinions, making its tables if need be."""
    return SqlFeedbackStore(await _open_engine(settings.storage.url, stack))


def _api_keys(engine: AsyncEngine, settings: Settings) -> ApiKeyStore:
    file = None
    if settings.auth.keys_file is not None:
        try:
            file = FileApiKeys(settings.auth.keys_file)
        except ValueError as error:
            raise SettingsError(f"auth.keys_file: {error}") from error
    return LayeredApiKeyStore(SqlApiKeyStore(engine), file)


def _prove_panels(policies: Iterable[Policy], reviewers: Iterable[Reviewer]) -> None:
    known = {reviewer.card.name for reviewer in reviewers}
    for policy in policies:
        for place in policy.panel.places:
            if place.reviewer not in known:
                raise SettingsError(
                    f"policy.file: {policy.revision} has {place.reviewer!r} on its panel; "
                    f"the reviewers of this server are: {', '.join(sorted(known)) or 'none'}"
                )


async def _open_engine(url: str, stack: AsyncExitStack) -> AsyncEngine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed)
        stack.push_async_callback(engine.dispose)
        await create_tables(engine)
    except Exception as error:
        raise SettingsError(f"storage.url: can't be opened ({type(error).__name__})") from error
    return engine


_WARM_UP_TEXT: Final = (
    "A first text, read before any caller's: see https://example.com or +1 202 555 0100."
)

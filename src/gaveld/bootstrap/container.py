"""Puts the application together from its settings and proves every part of it.

``build`` creates; it starts nothing. Whatever it opened is closed, in reverse, by the stack it
was given, also when a later part fails.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gaveld import __version__
from gaveld.adapters.image.jpeg import JpegFrameEncoder
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.application.api_keys import Authenticate
from gaveld.application.apply_rules import ApplyRules
from gaveld.application.check import Check
from gaveld.application.check_policy import Installed
from gaveld.application.count_usage import CountUsage
from gaveld.application.list_categories import ListCategories
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import (
    PolicyStore,
    RateLimiter,
    Reviewer,
    Telemetry,
    TextSignals,
    VerdictCache,
)
from gaveld.application.repeats import Repeats
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.signed_uploads import AuthenticateUpload
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.bootstrap.chat_models import chat_reviewers
from gaveld.bootstrap.contents import build_judge_content
from gaveld.bootstrap.embedded_panel import embedded_reviewers
from gaveld.bootstrap.images import hash_bank_names
from gaveld.bootstrap.parts import Judging, open_parts
from gaveld.bootstrap.pictures import PicturePath, build_picture_path
from gaveld.bootstrap.plugins import antivirus, picture_describer, transcriber
from gaveld.bootstrap.policies import open_policies, policy_check, prove_policies
from gaveld.bootstrap.reviews import build_media_reviews
from gaveld.bootstrap.rules import build_rules
from gaveld.bootstrap.services import build_services, disabled_services
from gaveld.bootstrap.settings import Settings
from gaveld.bootstrap.sharing import open_sharing
from gaveld.bootstrap.stores import open_stores
from gaveld.bootstrap.texts import TextPath, build_text_path
from gaveld.bootstrap.uploads import authenticate_upload
from gaveld.bootstrap.video import build_video_decoder
from gaveld.bootstrap.work import BackgroundWork, build_work
from gaveld.domain.signals import ClassifierCard
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.media_review_servicer import MediaReviews
from gaveld.transport.grpc.services import Service


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that a transport needs to serve.

    ``authenticate`` is None when auth is off, and ``authenticate_upload`` too, ``submit_feedback``
    when no feedback is kept, and ``count_usage`` when there is no storage.
    ``services`` are those that need the storage, which refuse every call when ``work.enabled`` is
    false, and ``work`` is what goes on beside them, None then.
    """

    text_path: TextPath
    picture_path: PicturePath
    video_decoder: ProcessVideoDecoder
    moderate_text: ModerateText
    check: Check
    review_compliance: ReviewCompliance
    media_reviews: MediaReviews
    long_texts: LongTexts
    list_categories: ListCategories
    repeats: Repeats
    submit_feedback: SubmitFeedback | None
    count_usage: CountUsage | None
    authenticate: Authenticate | None
    authenticate_upload: AuthenticateUpload | None
    rate_limiter: RateLimiter
    telemetry: PrometheusTelemetry
    services: tuple[Service, ...] = ()
    work: BackgroundWork | None = None

    @property
    def installed(self) -> tuple[ClassifierCard, ...]:
        """The cards of every classifier that is there, of text and of pictures."""
        return (*self.text_path.installed, *self.picture_path.installed)

    async def warm_up(self) -> None:
        """Have every part do its work once, so that the first call is no slower."""
        await self.text_path.warm_up()
        await self.picture_path.warm_up()
        await self.video_decoder.warm_up()


async def build(settings: Settings, stack: AsyncExitStack) -> Application:
    """Create and prove the application. Raises ``SettingsError`` or ``PolicyError`` if it can't."""
    telemetry = PrometheusTelemetry()
    sharing = await open_sharing(settings, stack, telemetry)
    stores = await open_stores(settings, stack)
    policies = open_policies(settings, stores.engine, telemetry)
    text_path = await asyncio.to_thread(build_text_path, settings.text, stack, telemetry)
    reader = text_path.reader(telemetry, settings.grpc.max_deadline_seconds)
    encoder, scanner = JpegFrameEncoder(), antivirus(settings.antivirus)
    stack.callback(encoder.close)
    rules = build_rules(settings, telemetry, stores.engine)
    picture_path = await build_picture_path(
        settings,
        stack,
        reader=reader,
        policies=policies.store,
        telemetry=telemetry,
        antivirus=scanner,
        describer=picture_describer(settings.description, encoder, stack),
        cache=sharing.pictures(),
        apply_rules=rules.apply_rules,
    )
    telemetry.announce(__version__, [*text_path.installed, *picture_path.installed])
    reviewers = _reviewers(settings, text_path, telemetry, stack)
    installed = (*text_path.installed, *picture_path.installed)
    check_policy = policy_check(
        Installed(
            reviewers={reviewer.card.name for reviewer in reviewers},
            hash_banks=hash_bank_names(settings.images),
            categories=_categories(*installed),
        )
    )
    prove_policies(policies.file.all(), check_policy)
    review_compliance = ReviewCompliance(
        reviewers=reviewers,
        policies=policies.store,
        telemetry=telemetry,
        reviewer_timeout_seconds=settings.panel.reviewer_timeout_seconds,
        max_text_bytes=settings.text.max_text_bytes,
        balances=stores.balances,
    )
    moderate_text = _moderate_text(
        settings, text_path, policies.store, telemetry, sharing.texts(), rules.apply_rules
    )
    video_decoder = build_video_decoder(settings.video, stack)
    media_reviews = build_media_reviews(
        decoder=video_decoder,
        max_work_seconds=settings.grpc.max_deadline_seconds,
        picture_path=picture_path,
        encoder=encoder,
        reader=reader,
        spoken=_categories(*text_path.installed, *text_path.absent),
        review_compliance=review_compliance,
        antivirus=scanner,
        transcriber=transcriber(settings.speech, stack),
    )
    long_texts = LongTexts()
    parts = None
    if policies.history is not None and stores.engine is not None:
        parts = await open_parts(
            settings,
            stack,
            engine=stores.engine,
            telemetry=telemetry,
            judging=Judging(
                policies.store,
                policies.history,
                check_policy,
                build_judge_content(
                    moderate_text=moderate_text,
                    moderate_video=media_reviews.moderate_video,
                    picture_path=picture_path,
                    reader=reader,
                    antivirus=scanner,
                    policies=policies.store,
                    rules=rules,
                    telemetry=telemetry,
                    max_text_bytes=settings.text.max_text_bytes,
                    place=long_texts.place,
                ),
            ),
        )
    return Application(
        text_path=text_path,
        picture_path=picture_path,
        video_decoder=video_decoder,
        moderate_text=moderate_text,
        check=Check(moderate_text, picture_path.moderate_image, policies.store),
        review_compliance=review_compliance,
        media_reviews=media_reviews,
        long_texts=long_texts,
        list_categories=_list_categories(text_path, picture_path),
        repeats=Repeats(sharing.answers()),
        submit_feedback=stores.submit_feedback,
        count_usage=stores.count_usage,
        authenticate=stores.authenticate,
        authenticate_upload=authenticate_upload(stores.api_keys, parts),
        rate_limiter=sharing.rate_limiter(),
        telemetry=telemetry,
        services=build_services(parts) if parts is not None else disabled_services(),
        work=build_work(parts, stack) if parts is not None else None,
    )


def _moderate_text(
    settings: Settings,
    text_path: TextPath,
    policies: PolicyStore,
    telemetry: Telemetry,
    cache: VerdictCache[TextSignals] | None,
    apply_rules: ApplyRules,
) -> ModerateText:
    return ModerateText(
        normaliser=text_path.normaliser,
        language_detector=text_path.language_detector,
        classifiers=text_path.classifiers,
        absent=text_path.absent,
        policies=policies,
        telemetry=telemetry,
        max_text_bytes=settings.text.max_text_bytes,
        cache=cache,
        apply_rules=apply_rules,
    )


def _reviewers(
    settings: Settings, text_path: TextPath, telemetry: Telemetry, stack: AsyncExitStack
) -> tuple[Reviewer, ...]:
    embedded = embedded_reviewers(
        settings,
        normaliser=text_path.normaliser,
        language_detector=text_path.language_detector,
        classifiers=text_path.classifiers,
        absent=text_path.absent,
        telemetry=telemetry,
    )
    return (*embedded, *chat_reviewers(settings.panel.chat_models, stack))


def _list_categories(text_path: TextPath, picture_path: PicturePath) -> ListCategories:
    of_pictures = (*picture_path.installed, *picture_path.absent)
    return ListCategories(
        (*text_path.installed, *picture_path.installed),
        (*text_path.absent, *picture_path.absent),
        (card.name for card in of_pictures),
    )


def _categories(*cards: ClassifierCard) -> frozenset[str]:
    return frozenset(category_id for card in cards for category_id in card.categories)

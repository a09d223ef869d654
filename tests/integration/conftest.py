"""Servers on free loopback ports, put together from small real parts, and what they logged."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType

import grpc.aio
import pytest
import structlog
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate
from gaveld.application.check import Check
from gaveld.application.count_usage import CountUsage
from gaveld.application.list_categories import ListCategories
from gaveld.application.moderate import ModerateText
from gaveld.application.moderate_conversation import ModerateConversation
from gaveld.application.ports import (
    Classifier,
    Credits,
    FeedbackStore,
    MediaFetcher,
    RateLimiter,
    Reviewer,
)
from gaveld.application.repeats import Repeats
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.signed_uploads import AuthenticateUpload
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.domain.content import TextSample
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.server import GrpcServer, GrpcServerOptions
from gaveld.transport.grpc.services import Service
from tests.fakes.answers import FakeAnswerStore
from tests.fakes.policies import FakePolicyStore
from tests.fakes.rules import fake_rules
from tests.fakes.telemetry import FakeTelemetry
from tests.integration.grpc_stand import (
    POLICY,
    EnglishDetector,
    PlainNormaliser,
    Running,
    Serve,
    WordClassifier,
)
from tests.media_house import MediaParts
from tests.picture_house import PictureParts, picture_use_case


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers on free loopback ports; stop them and their channels after the test."""
    started: list[Running] = []
    stack = AsyncExitStack()

    async def start(
        *,
        classifiers: Sequence[Classifier[TextSample]] = (WordClassifier(),),
        options: GrpcServerOptions | None = None,
        authenticate: Authenticate | None = None,
        authenticate_upload: AuthenticateUpload | None = None,
        rate_limiter: RateLimiter | None = None,
        count_usage: CountUsage | None = None,
        reviewers: Sequence[Reviewer] = (),
        balances: Credits | None = None,
        feedback: FeedbackStore | None = None,
        tracer_provider: TracerProvider | None = None,
        max_text_bytes: int = 1 << 20,
        policy: Policy = POLICY,
        policies: Mapping[str, Policy] = MappingProxyType({}),
        pictures: PictureParts | None = None,
        fetcher: MediaFetcher | None = None,
        media: MediaParts | None = None,
        services: Sequence[Service] = (),
        announce: bool = True,
        channel_options: Sequence[tuple[str, int | str]] = (),
    ) -> Running:
        registry, telemetry = CollectorRegistry(), FakeTelemetry()
        policy_store = FakePolicyStore(policy, **policies)
        review_compliance = ReviewCompliance(
            reviewers=reviewers,
            policies=policy_store,
            telemetry=telemetry,
            reviewer_timeout_seconds=30,
            max_text_bytes=max_text_bytes,
            balances=balances,
        )
        options = options or GrpcServerOptions(port=0)
        moderate_text = ModerateText(
            normaliser=PlainNormaliser(),
            language_detector=EnglishDetector(),
            classifiers=classifiers,
            policies=policy_store,
            telemetry=telemetry,
            max_text_bytes=max_text_bytes,
            apply_rules=fake_rules(telemetry),
        )
        parts = pictures or PictureParts()
        parts.telemetry = telemetry
        moderate_image = await stack.enter_async_context(
            picture_use_case(policy_store, parts, fetcher)
        )
        media_reviews = None
        if media is not None:
            media.pictures.telemetry = telemetry
            media_reviews = await stack.enter_async_context(
                media.reviews(review_compliance, fetcher)
            )
        server = GrpcServer(
            options,
            moderate_text=moderate_text,
            moderate_image=moderate_image,
            check=Check(moderate_text, moderate_image, policy_store),
            review_compliance=review_compliance,
            moderate_conversation=ModerateConversation(
                review_compliance, max_turn_seconds=options.max_deadline_seconds
            ),
            list_categories=ListCategories([entry.card for entry in classifiers]),
            repeats=Repeats(FakeAnswerStore()),
            media_reviews=media_reviews,
            services=services,
            submit_feedback=SubmitFeedback(feedback) if feedback else None,
            telemetry=telemetry,
            registry=registry,
            authenticate=authenticate,
            authenticate_upload=authenticate_upload,
            rate_limiter=rate_limiter,
            count_usage=count_usage,
            tracer_provider=tracer_provider,
        )
        ports = await server.start()
        if announce:
            await server.announce()
        channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{ports.grpc}", options=[("grpc.enable_retries", 0), *channel_options]
        )
        running = Running(server, ports, registry, telemetry, channel)
        started.append(running)
        return running

    yield start
    for running in started:
        await running.channel.close()
        await running.server.stop()
    await stack.aclose()


@pytest.fixture
def logs() -> Iterator[LogCapture]:
    """Capture what the server logs, as it would be rendered."""
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture
    structlog.reset_defaults()

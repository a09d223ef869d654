"""The gRPC server: its ports, its limits, its services, and its going up and down.

Put together from use cases; it reads no settings and knows no adapter.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import grpc.aio
from gavel.v1 import (
    category_service_pb2,
    check_service_pb2,
    compliance_service_pb2,
    feedback_service_pb2,
    moderation_service_pb2,
)
from grpc_channelz.v1 import channelz_pb2
from grpc_channelz.v1.channelz import aio as channelz  # type: ignore[attr-defined]  # the stubs lack it
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

from gaveld.application.api_keys import Authenticate
from gaveld.application.check import Check
from gaveld.application.count_usage import CountUsage
from gaveld.application.list_categories import ListCategories
from gaveld.application.moderate import ModerateText
from gaveld.application.moderate_conversation import ModerateConversation
from gaveld.application.moderate_image import ModerateImage
from gaveld.application.ports import RateLimiter, Telemetry
from gaveld.application.repeats import Repeats
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.signed_uploads import AuthenticateUpload
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.transport.grpc.call import UNKNOWN_METHOD, GrpcInterceptor
from gaveld.transport.grpc.category_servicer import CategoryServicer
from gaveld.transport.grpc.check_servicer import CheckServicer
from gaveld.transport.grpc.compliance_servicer import ComplianceServicer
from gaveld.transport.grpc.conversation_servicer import ConversationServicer
from gaveld.transport.grpc.feedback_servicer import FeedbackServicer
from gaveld.transport.grpc.health import Health
from gaveld.transport.grpc.image_servicer import ImageServicer
from gaveld.transport.grpc.interceptors.access_log import AccessLog
from gaveld.transport.grpc.interceptors.admission import Admission
from gaveld.transport.grpc.interceptors.auth import Auth
from gaveld.transport.grpc.interceptors.chain import Chain
from gaveld.transport.grpc.interceptors.deadline import Deadline
from gaveld.transport.grpc.interceptors.error_mapping import ErrorMapping
from gaveld.transport.grpc.interceptors.metrics import RpcMetrics
from gaveld.transport.grpc.interceptors.open_streams import OpenStreams
from gaveld.transport.grpc.interceptors.rate_limit import RateLimits
from gaveld.transport.grpc.interceptors.request_id import RequestId
from gaveld.transport.grpc.interceptors.size_limit import HEADROOM_BYTES, SizeLimit, reader
from gaveld.transport.grpc.interceptors.usage import UsageCounts
from gaveld.transport.grpc.interceptors.validation import Validation
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.media_review_servicer import MediaReviews, MediaReviewServicer
from gaveld.transport.grpc.moderation_servicer import ModerationServicer
from gaveld.transport.grpc.open_conversations import FINISHING_SECONDS, OpenConversations
from gaveld.transport.grpc.reflection import reflection_services
from gaveld.transport.grpc.services import Service
from gaveld.transport.grpc.stream_metrics import StreamMetrics
from gaveld.transport.grpc.tls import TlsOptions, server_credentials
from gaveld.transport.grpc.tracing import tracing_interceptor
from gaveld.transport.grpc.video_servicer import VideoServicer

_MAX_METADATA_BYTES: Final = 16 << 10
_READ_AHEAD_BYTES: Final = 256 << 10
"""So much of a stream gRPC may receive before it is asked for: an upload's share a round trip."""


@dataclass(frozen=True, slots=True)
class GrpcServerOptions:
    """How a server listens and what it takes on. Port 0 takes any free one.

    ``health_port`` is a second, plaintext port that serves health alone, and ``private_socket`` the
    path of a unix socket that serves everything, to whoever may open it: the REST gateway.
    ``max_deadline_seconds`` caps unary calls, and stands for those without a deadline; it caps each
    turn of a stream too.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    health_port: int | None = None
    private_socket: str | None = None
    tls: TlsOptions | None = None
    reflection: bool = True
    channelz: bool = False
    max_message_bytes: int = 4 << 20
    max_connection_age_seconds: float = 300
    max_connection_age_grace_seconds: float = 30
    max_streams_per_connection: int = 100
    min_ping_interval_seconds: float = 30
    max_deadline_seconds: float = 30
    max_concurrent_calls: int = 64
    max_waiting_calls: int = 4
    max_wait_seconds: float = 0.5
    max_bytes_in_flight: int = 32 << 20
    max_open_streams: int = 4_000
    max_open_streams_per_project: int = 2_000
    max_stream_age_seconds: float = 3_600


@dataclass(frozen=True, slots=True)
class BoundPorts:
    """The ports that a started server listens on."""

    grpc: int
    health: int | None


class GrpcServer:
    """Serves the contract.

    ``authenticate`` None lets anyone call, as the default project; ``authenticate_upload`` None
    takes no signed uploads; ``rate_limiter`` and ``count_usage`` None count nothing;
    ``tracer_provider`` None traces nothing; ``media_reviews`` None reviews no pictures and videos.
    ``long_texts`` are the places that whoever else judges texts shares. ``services`` are served
    beside those that are always there. Metrics of RPCs go into ``registry``.
    """

    def __init__(
        self,
        options: GrpcServerOptions,
        *,
        moderate_text: ModerateText,
        moderate_image: ModerateImage,
        check: Check,
        review_compliance: ReviewCompliance,
        moderate_conversation: ModerateConversation,
        list_categories: ListCategories,
        repeats: Repeats,
        media_reviews: MediaReviews | None = None,
        submit_feedback: SubmitFeedback | None = None,
        long_texts: LongTexts | None = None,
        services: Sequence[Service] = (),
        telemetry: Telemetry,
        registry: CollectorRegistry,
        authenticate: Authenticate | None = None,
        authenticate_upload: AuthenticateUpload | None = None,
        rate_limiter: RateLimiter | None = None,
        count_usage: CountUsage | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._options = options
        long_texts = long_texts or LongTexts()
        self._admission = Admission(
            max_concurrent_calls=options.max_concurrent_calls,
            max_waiting_calls=options.max_waiting_calls,
            max_wait_seconds=options.max_wait_seconds,
            max_bytes_in_flight=options.max_bytes_in_flight,
        )
        self._rate_limits = RateLimits(rate_limiter)
        self._usage_counts = UsageCounts(count_usage)
        self._open_conversations = OpenConversations(
            max_open=options.max_open_streams,
            max_open_per_project=options.max_open_streams_per_project,
            max_age_seconds=options.max_stream_age_seconds,
        )
        conversations = ConversationServicer(
            moderate_conversation,
            admission=self._admission,
            rate_limits=self._rate_limits,
            long_texts=long_texts,
            open_conversations=self._open_conversations,
            metrics=StreamMetrics(registry),
            max_turn_seconds=options.max_deadline_seconds,
        )
        own = (
            Service(
                moderation_service_pb2.DESCRIPTOR.services_by_name["ModerationService"],
                ModerationServicer(moderate_text, telemetry, long_texts),
                others=(ImageServicer(moderate_image),),
            ),
            Service(
                check_service_pb2.DESCRIPTOR.services_by_name["CheckService"],
                CheckServicer(check, long_texts),
            ),
            Service(
                compliance_service_pb2.DESCRIPTOR.services_by_name["ComplianceService"],
                ComplianceServicer(review_compliance, long_texts, repeats),
                others=(conversations, *self._of_media(media_reviews, long_texts, repeats)),
            ),
            Service(
                category_service_pb2.DESCRIPTOR.services_by_name["CategoryService"],
                CategoryServicer(list_categories),
            ),
            Service(
                feedback_service_pb2.DESCRIPTOR.services_by_name["FeedbackService"],
                FeedbackServicer(submit_feedback),
            ),
            *services,
        )
        self._health = Health([entry.name for entry in own])
        self._services = self._with_tools([*own, self._health.service()])
        self._metrics = RpcMetrics(registry)
        self._authenticate = authenticate
        self._authenticate_upload = authenticate_upload
        self._tracer_provider = tracer_provider
        self._servers: list[grpc.aio.Server] = []

    def _of_media(
        self, reviews: MediaReviews | None, long_texts: LongTexts, repeats: Repeats
    ) -> tuple[object, ...]:
        if reviews is None:
            return ()
        videos = VideoServicer(
            reviews.moderate_video,
            admission=self._admission,
            long_texts=long_texts,
            open_conversations=self._open_conversations,
            max_work_seconds=self._options.max_deadline_seconds,
        )
        return MediaReviewServicer(reviews, repeats), videos

    @property
    def is_serving(self) -> bool:
        """Whether calls are wanted: from ``announce`` until ``drain``."""
        return self._health.is_serving

    async def start(self) -> BoundPorts:
        """Open the ports. Health says NOT_SERVING, and calls are refused, until ``announce``.

        Raises ``RuntimeError`` for a port that is taken, and ``OSError`` or ``ssl.SSLError`` for
        TLS files that can't be used.
        """
        options = self._options
        server = self._build(self._services, traced=True)
        address = _address(options.host, options.port)
        if options.tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, server_credentials(options.tls))
        if options.private_socket is not None:
            server.add_insecure_port(f"unix:{options.private_socket}")
        health_port = None
        probes = None
        if options.health_port is not None:
            probes = self._build([self._health.service()], traced=False)
            health_port = probes.add_insecure_port(_address(options.host, options.health_port))
        for entry in filter(None, (server, probes)):
            self._servers.append(entry)
            await entry.start()
        return BoundPorts(port, health_port)

    async def announce(self) -> None:
        """Say SERVING and admit calls; for when everything is loaded and warm."""
        self._admission.open()
        self._health.announce()

    async def drain(
        self,
        notice_seconds: float,
        grace_seconds: float,
        before_stop: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """Say NOT_SERVING at once, and end without losing a call.

        For ``notice_seconds`` calls are still taken, while clients and load balancers move away:
        gRPC cancels a call that arrives in the moment a server stops listening. Then those in
        progress have ``grace_seconds`` to finish, and streams end as soon as the turn in progress
        is judged, saying where to resume. ``before_stop`` is awaited with the grace after the
        notice; the time that it takes is off the grace.
        """
        self._health.leave()
        await asyncio.sleep(notice_seconds)
        began = time.monotonic()
        if before_stop is not None:
            await before_stop(grace_seconds)
        await self.stop(max(0.0, grace_seconds - (time.monotonic() - began)))

    async def stop(self, grace_seconds: float = 0.0) -> None:
        """Take no new calls and end those in progress after ``grace_seconds``. Idempotent."""
        self._health.end_watches()
        self._open_conversations.end(grace_seconds)
        self._admission.close()
        for server in self._servers:
            await server.stop(grace_seconds)

    def _with_tools(self, services: Sequence[Service]) -> list[Service]:
        served = list(services)
        if self._options.channelz:
            descriptor = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"]
            served.append(Service(descriptor, channelz.ChannelzServicer(), "admin"))
        if self._options.reflection:
            served.extend(reflection_services(served))
        return served

    def _build(self, services: Sequence[Service], *, traced: bool) -> grpc.aio.Server:
        methods = {path: method for entry in services for path, method in entry.methods().items()}
        for method in (*methods.values(), UNKNOWN_METHOD):
            self._metrics.expect(method)
        interceptors: list[GrpcInterceptor] = [
            Chain(
                methods,
                (
                    RequestId(),
                    AccessLog(),
                    self._metrics,
                    ErrorMapping(),
                    Deadline(self._options.max_deadline_seconds),
                    SizeLimit(),
                    OpenStreams(),
                    self._admission,
                    Auth(self._authenticate, self._authenticate_upload),
                    self._usage_counts,
                    self._rate_limits,
                    Validation(),
                ),
                self._admission.is_full,
            )
        ]
        if traced and self._tracer_provider is not None:
            paths = {path for path, method in methods.items() if method.scope is not None}
            interceptors.insert(0, tracing_interceptor(self._tracer_provider, paths))
        server = grpc.aio.server(interceptors=interceptors, options=self._channel_options())
        read = partial(reader, max_message_bytes=self._options.max_message_bytes)
        read_if_room = partial(read, turn_away=self._admission.turn_away)
        server.add_generic_rpc_handlers(
            # A stream's caller is made to wait instead, by reading no further.
            [entry.handlers(read_if_room if entry.scope else read, read) for entry in services]
        )
        return server

    def _connection_grace_seconds(self) -> float:
        # A stream may begin just before its connection is old, and must not be cut off with it.
        longest_stream = self._options.max_stream_age_seconds + FINISHING_SECONDS
        return max(self._options.max_connection_age_grace_seconds, longest_stream)

    def _channel_options(self) -> list[tuple[str, int]]:
        options = self._options
        return [
            ("grpc.max_receive_message_length", options.max_message_bytes + HEADROOM_BYTES),
            ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
            # Else gRPC reads megabytes ahead of a stream that nobody reads from.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", _READ_AHEAD_BYTES),
            ("grpc.max_concurrent_streams", options.max_streams_per_connection),
            ("grpc.max_connection_age_ms", _ms(options.max_connection_age_seconds)),
            ("grpc.max_connection_age_grace_ms", _ms(self._connection_grace_seconds())),
            (
                "grpc.http2.min_ping_interval_without_data_ms",
                _ms(options.min_ping_interval_seconds),
            ),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.so_reuseport", 0),
            ("grpc.enable_channelz", int(options.channelz)),
        ]


def _address(host: str, port: int) -> str:
    if host.startswith("unix:"):
        return host
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

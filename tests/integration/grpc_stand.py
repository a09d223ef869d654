"""What the gRPC tests stand on: small real parts, a running server, a failure as clients see it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc
import grpc.aio
import pytest
from gavel.v1.category_service_pb2_grpc import CategoryServiceStub
from gavel.v1.check_service_pb2_grpc import CheckServiceStub
from gavel.v1.compliance_service_pb2_grpc import ComplianceServiceStub
from gavel.v1.moderation_service_pb2_grpc import ModerationServiceStub
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from gaveld.domain.content import DetectedLanguage, Span, TextReadings, TextSample
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierReport,
    Finding,
)
from gaveld.transport.grpc.server import BoundPorts, GrpcServer
from tests.fakes.telemetry import FakeTelemetry

POLICY = Policy(
    "test@1",
    {
        "H3": CategoryRule(review=0.4, block=0.8, required=True),
        "L1": CategoryRule(review=0.5, block=0.95),
    },
    masked=frozenset({"L1"}),
)


WORDS = {"kill": ("H3", 0.9), "darn": ("L1", 0.6), "meh": ("L1", 0.1)}


class PlainNormaliser:
    """A ``TextNormaliser`` for texts that hide nothing."""

    async def normalise(self, text: str) -> TextReadings:
        return TextReadings.plain(text)


class EnglishDetector:
    """A ``LanguageDetector`` to which everything is English."""

    card = ClassifierCard("language", "1", frozenset())

    async def detect(self, text: str) -> DetectedLanguage:
        return DetectedLanguage("en", 0.9)


class WordClassifier:
    """Finds whole words: ``kill`` is a threat, ``darn`` is profanity, ``meh`` is barely any."""

    card = ClassifierCard(
        "words", "2026.1", frozenset({"H3", "L1"}), frozenset({Attribute.TOXICITY})
    )

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        findings = []
        for word, (category_id, score) in WORDS.items():
            start = sample.text.find(word)
            if start >= 0:
                span = Span(start, start + len(word))
                findings.append(
                    Finding(category_id, score, "a listed word", "words", "2026.1", span)
                )
        toxicity = max((entry.score for entry in findings), default=0.0)
        return ClassifierReport(tuple(findings), {Attribute.TOXICITY: toxicity})


class GatedClassifier:
    """Answers only once ``gate`` is open, and tells how many calls wait at it."""

    card = ClassifierCard("gated", "1", frozenset({"H3"}))

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = 0
        self.cancelled = 0
        self.seen: list[str] = []
        self._changed = asyncio.Condition()

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        self.seen.append(sample.text)
        await self._count(1)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            await self._count(-1)
        return ClassifierReport()

    async def until_waiting(self, calls: int) -> None:
        """Return when exactly ``calls`` wait at the gate."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.waiting == calls)

    async def _count(self, by: int) -> None:
        async with self._changed:
            self.waiting += by
            self._changed.notify_all()


class BrokenClassifier:
    """Raises, quoting the text, as a careless library would."""

    card = ClassifierCard("broken", "1", frozenset({"H3"}))

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        raise ValueError(f"cannot handle {sample.text}")


@dataclass
class Running:
    """A server that serves, with stubs that talk to it and what it left behind."""

    server: GrpcServer
    ports: BoundPorts
    registry: CollectorRegistry
    telemetry: FakeTelemetry
    channel: grpc.aio.Channel

    @property
    def moderation(self) -> ModerationServiceStub:
        """A stub on the channel."""
        return ModerationServiceStub(self.channel)

    @property
    def checks(self) -> CheckServiceStub:
        """A stub on the channel."""
        return CheckServiceStub(self.channel)

    @property
    def compliance(self) -> ComplianceServiceStub:
        """A stub on the channel."""
        return ComplianceServiceStub(self.channel)

    @property
    def categories(self) -> CategoryServiceStub:
        """A stub on the channel."""
        return CategoryServiceStub(self.channel)

    def metric(self, name: str, **labels: str) -> float:
        """Return a sample's value, 0 if there is none."""
        return self.registry.get_sample_value(name, labels) or 0.0


Serve = Callable[..., Awaitable[Running]]


@dataclass(frozen=True)
class Failure:
    """A failed call as a client sees it."""

    code: grpc.StatusCode
    message: str
    trailers: dict[str, str | bytes]
    status: status_pb2.Status | None
    info: error_details_pb2.ErrorInfo
    bad_request: error_details_pb2.BadRequest
    retry: error_details_pb2.RetryInfo | None


async def failure_of(call: Awaitable[object]) -> Failure:
    """Await a call that must fail, and return its failure."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    status = rpc_status.from_call(error)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    has_retry = False
    for detail in status.details if status else ():
        detail.Unpack(info) or detail.Unpack(bad_request)
        has_retry |= detail.Unpack(retry)
    return Failure(
        error.code(),
        error.details(),
        dict(error.trailing_metadata()),
        status,
        info,
        bad_request,
        retry if has_retry else None,
    )

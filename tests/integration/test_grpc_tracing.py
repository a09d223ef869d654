"""Traces through OpenTelemetry's own interceptor: statuses stay whole, and spans tell nothing."""

import asyncio
from collections.abc import Sequence

import grpc
import grpc.aio
import pytest
from gavel.v1 import moderation_service_pb2 as api
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import LogCapture

from gaveld.application.moderate import ModerateText
from tests.integration.grpc_stand import Serve, failure_of

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = (("traceparent", f"00-{TRACE_ID}-00f067aa0ba902b7-01"),)


class Spans(InMemorySpanExporter):
    """Collects finished spans. A span ends after its caller has the answer, so wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._came = asyncio.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self._came.set()
        return result

    async def only(self) -> ReadableSpan:
        """Return the span that finished, once one has; there must be no other."""
        await self._came.wait()
        (span,) = self.get_finished_spans()
        return span


@pytest.fixture
async def spans() -> Spans:
    """Collect finished spans."""
    return Spans()


@pytest.fixture
def provider(spans: Spans) -> TracerProvider:
    """Trace into ``spans`` at once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


async def test_a_call_joins_its_callers_trace(
    serve: Serve, spans: Spans, provider: TracerProvider, logs: LogCapture
):
    """Law: span and log line carry the caller's trace id."""
    running = await serve(tracer_provider=provider)
    await running.moderation.ModerateText(
        api.ModerateTextRequest(text="hello"), metadata=TRACEPARENT
    )
    span = await spans.only()
    assert format(span.context.trace_id, "032x") == TRACE_ID
    (line,) = (entry for entry in logs.entries if entry["event"] == "call")
    assert line["trace_id"] == TRACE_ID


async def test_the_log_has_the_trace_id_without_tracing_too(serve: Serve, logs: LogCapture):
    """Law: a caller's trace id reaches the log even where this server sends no traces."""
    running = await serve()
    await running.moderation.ModerateText(
        api.ModerateTextRequest(text="hello"), metadata=TRACEPARENT
    )
    (line,) = (entry for entry in logs.entries if entry["event"] == "call")
    assert line["trace_id"] == TRACE_ID


async def test_a_rich_status_comes_through_the_wrapper(
    serve: Serve, spans: Spans, provider: TracerProvider
):
    """Law: with tracing on, a refusal has the same details and trailers as without."""
    running = await serve(tracer_provider=provider)
    failure = await failure_of(running.moderation.ModerateText(api.ModerateTextRequest()))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.info.reason == "INVALID_ARGUMENT"
    assert failure.bad_request.field_violations[0].field == "text"
    assert failure.trailers["x-request-id"]
    span = await spans.only()
    assert span.attributes["rpc.grpc.status_code"] == failure.code.value[0]


async def test_a_span_never_quotes_what_went_wrong(
    serve: Serve,
    spans: Spans,
    provider: TracerProvider,
    monkeypatch: pytest.MonkeyPatch,
):
    """Law: an unforeseen exception's text is in no span, neither as event nor as status."""

    async def fail(*_args: object, **_kwargs: object) -> None:
        raise KeyError("canary-in-exception")

    monkeypatch.setattr(ModerateText, "__call__", fail)
    running = await serve(tracer_provider=provider)
    failure = await failure_of(
        running.moderation.ModerateText(api.ModerateTextRequest(text="canary-in-text"))
    )
    assert failure.code is grpc.StatusCode.INTERNAL
    span = await spans.only()
    assert "canary" not in span.to_json()
    assert span.attributes["rpc.grpc.status_code"] == failure.code.value[0]


async def test_probes_and_unknown_paths_make_no_span(
    serve: Serve, spans: Spans, provider: TracerProvider
):
    """Law: neither probes nor made-up paths fill a trace store; both are answered as ever."""
    running = await serve(tracer_provider=provider)
    stub = health_pb2_grpc.HealthStub(running.channel)
    await stub.Check(health_pb2.HealthCheckRequest())
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    assert (await anext(aiter(watch))).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()
    for path in ("/made.up/Path", "/nowhere"):
        assert await running.channel.unary_unary(path)(b"").code() is grpc.StatusCode.UNIMPLEMENTED
    assert not spans.get_finished_spans()

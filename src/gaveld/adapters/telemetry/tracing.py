"""Sends OpenTelemetry traces to an OTLP collector, in batches, from a thread of its own."""

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start_tracing(endpoint: str, service_name: str, version: str) -> TracerProvider:
    """Return a provider whose spans go to ``endpoint``, such as ``http://collector:4317``.

    A collector that is away costs spans, never calls. Call ``shutdown`` on the provider at the
    end; it sends what is left.
    """
    resource = Resource.create({"service.name": service_name, "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider

"""Sends OpenTelemetry traces to an OTLP collector, in batches, from a thread of its own."""

import asyncio
import threading
from contextlib import suppress
from typing import Final, Protocol

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

END_SECONDS: Final = 2.0
"""How long a stopping server waits for its last spans to be taken."""


class Tracing(Protocol):
    """What ``end_tracing`` ends."""

    def shutdown(self) -> None:
        """Send what is left. May block for as long as a collector takes to answer."""
        ...


def start_tracing(endpoint: str, service_name: str, version: str) -> TracerProvider:
    """Return a provider whose spans go to ``endpoint``, such as ``http://collector:4317``.

    A collector that is away costs spans, never calls. Await ``end_tracing`` at the end.
    """
    resource = Resource.create({"service.name": service_name, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


async def end_tracing(tracing: Tracing, seconds: float = END_SECONDS) -> None:
    """Send what is left, for so many seconds at most; what is not taken by then is lost.

    The event loop goes on meanwhile. A collector that never answers holds up neither it nor the
    end of the process: the thread is a daemon.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        try:
            tracing.shutdown()
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=end, name="end-tracing", daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)

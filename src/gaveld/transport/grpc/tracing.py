"""The OpenTelemetry interceptor that opens a span per RPC; it stands before our own row."""

from collections.abc import Callable, Collection

import grpc
from opentelemetry.instrumentation.grpc import aio_server_interceptor
from opentelemetry.trace import TracerProvider

from gaveld.transport.grpc.call import GrpcInterceptor


def tracing_interceptor(provider: TracerProvider, traced_paths: Collection[str]) -> GrpcInterceptor:
    """Return the interceptor for the RPCs named by path.

    Others are left alone: probes say nothing, and a path that is not served would name a span.
    """

    def is_traced(details: grpc.HandlerCallDetails) -> bool:
        return details.method in traced_paths

    make: Callable[..., GrpcInterceptor] = aio_server_interceptor
    return make(tracer_provider=provider, filter_=is_traced)

"""Counts and times every RPC under the names that gRPC dashboards know.

Labels come from closed sets: a path that is not served counts as ``unknown``.
"""

import time
from dataclasses import dataclass, field
from typing import Final

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gaveld.transport.grpc.call import Call, Method
from gaveld.transport.grpc.interceptors.interceptor import Interceptor

BUCKETS_SECONDS: Final = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
_LABELS: Final = ("grpc_type", "grpc_service", "grpc_method")


@dataclass(slots=True)
class _OfMethod:
    started: Counter
    in_flight: Gauge
    seconds: Histogram
    handled: dict[grpc.StatusCode, Counter] = field(default_factory=dict)


class RpcMetrics(Interceptor):
    """The RPC metrics of one server, in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._started = Counter(
            "grpc_server_started_total", "RPCs begun.", _LABELS, registry=registry
        )
        self._handled = Counter(
            "grpc_server_handled_total",
            "RPCs ended, by status code.",
            (*_LABELS, "grpc_code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "How long RPCs took, from the whole first message to the status.",
            _LABELS,
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "gavel_server_in_flight_calls", "RPCs in progress.", _LABELS, registry=registry
        )
        self._methods: dict[Method, _OfMethod] = {}

    def expect(self, method: Method) -> None:
        """Show the method's counters from the start, at zero."""
        self._methods[method] = self._of(method)

    async def before(self, call: Call) -> None:
        """Count the call as begun."""
        series = self._methods.get(call.method)
        if series is None:
            series = self._methods[call.method] = self._of(call.method)
        series.started.inc()
        series.in_flight.inc()

    def after(self, call: Call) -> None:
        """Count the call as ended."""
        series = self._methods[call.method]
        series.in_flight.dec()
        series.seconds.observe(time.monotonic() - call.started)
        handled = series.handled.get(call.code)
        if handled is None:
            handled = self._handled.labels(*_labels(call.method), call.code.name)
            series.handled[call.code] = handled
        handled.inc()

    def _of(self, method: Method) -> _OfMethod:
        labels = _labels(method)
        return _OfMethod(
            self._started.labels(*labels),
            self._in_flight.labels(*labels),
            self._seconds.labels(*labels),
        )


def _labels(method: Method) -> tuple[str, str, str]:
    return method.kind, method.service, method.name

"""Counts and times HTTP requests by route. Labels come from closed sets: templates and statuses."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

UNKNOWN_ROUTE: Final = "unknown"
BUCKETS_SECONDS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip


class RestMetrics:
    """The metrics of one gateway, in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "gavel_rest_requests_total",
            "HTTP requests answered, by status.",
            ("route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "gavel_rest_request_duration_seconds",
            "How long HTTP requests took, from the head of the request to the end of the answer.",
            ("route",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "gavel_rest_in_flight_requests", "HTTP requests in progress.", registry=registry
        )
        self._sockets = Gauge(
            "gavel_rest_open_websockets", "WebSockets that are open.", ("route",), registry=registry
        )

    def expect(self, routes: Iterable[str]) -> None:
        """Show the routes from the start, at zero."""
        for route in (UNKNOWN_ROUTE, *routes):
            self._seconds.labels(route)

    def begun(self) -> None:
        """Count a request as in progress."""
        self._in_flight.inc()

    def ended(self, route: str, status: int, seconds: float) -> None:
        """Count a request as answered."""
        self._in_flight.dec()
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def socket_opened(self, route: str) -> None:
        """Count a WebSocket as open."""
        self._sockets.labels(route).inc()

    def socket_closed(self, route: str) -> None:
        """Count it no longer."""
        self._sockets.labels(route).dec()

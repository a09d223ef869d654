"""The REST gateway as an ASGI application: one request in, one RPC through the channel, an answer.

It sees to what is the same for every surface: bodies, disconnects, deadlines, names, metrics, the
log. What a route means is its surface's business.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from google.protobuf.descriptor import MethodDescriptor

from gaveld.application.failures import place_of
from gaveld.transport.rest.answers import Answer, StreamedAnswer
from gaveld.transport.rest.bindings import method_path
from gaveld.transport.rest.bodies import Bodies, ClientDisconnectedError, Receive
from gaveld.transport.rest.contract import ContractSurface
from gaveld.transport.rest.exchange import Exchange, Scope, Send
from gaveld.transport.rest.failures import RpcFailure, internal, invalid
from gaveld.transport.rest.headers import caller_of
from gaveld.transport.rest.metrics import RestMetrics
from gaveld.transport.rest.origins import refuse_unasked
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.sockets import Sockets
from gaveld.transport.rest.surfaces import Surface
from gaveld.transport.rest.templates import Path, PathError
from gaveld.transport.rest.upstream import Upstream


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What a gateway takes on.

    ``max_body_bytes`` bounds one body, and one message of a WebSocket; ``max_bytes_in_flight`` all
    bodies that are held at once. ``allowed_origins`` are those whose pages may call from a browser.
    """

    max_body_bytes: int = 6 << 20
    max_bytes_in_flight: int = 64 << 20
    allowed_origins: tuple[str, ...] = ()


class Gateway:
    """Serves the contract, and ``dialects`` below their prefixes, over ``upstream``."""

    def __init__(
        self,
        options: GatewayOptions,
        contract: ContractSurface,
        upstream: Upstream,
        metrics: RestMetrics,
        dialects: Sequence[Surface] = (),
    ) -> None:
        self._contract = contract
        self._dialects = sorted(
            ((prefix.encode(), dialect) for dialect in dialects for prefix in dialect.prefixes),
            key=lambda entry: len(entry[0]),
            reverse=True,
        )
        self._upstream = upstream
        self._metrics = metrics
        self._methods: dict[str, MethodDescriptor] = {
            method_path(method): method
            for service in contract.services
            for method in service.methods
        }
        self._allowed_origins = options.allowed_origins
        self._sockets = Sockets(contract, upstream, metrics, options.allowed_origins)
        self._bodies = Bodies(options.max_body_bytes, options.max_bytes_in_flight)
        self._log = structlog.get_logger("gaveld.rest")
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_leaving = False
        for surface in (contract, *dialects):
            metrics.expect(surface.templates)

    def leave(self) -> None:
        """From now on have clients close their connection after each answer."""
        self._is_leaving = True

    async def until_idle(self) -> None:
        """Return when no HTTP request is in progress; WebSockets don't count."""
        await self._idle.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket."""
        if scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        self._in_flight += 1
        self._idle.clear()
        self._metrics.begun()
        try:
            await exchange.send(await self._answer(exchange), is_last=self._is_leaving)
        except ClientDisconnectedError:
            pass  # there is nobody to answer
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
            self._metrics.ended(
                exchange.route, exchange.status, time.monotonic() - exchange.started
            )

    async def _answer(self, exchange: Exchange) -> Answer | StreamedAnswer:
        request = exchange.request
        surface = self._surface_at(request.raw_path)
        try:
            return await self._handled(surface, exchange)
        except RpcFailure as failure:
            if exchange.rpc is None:
                self._log.info(
                    "request refused",
                    route=exchange.route,
                    status=failure.http_status,
                    reason=failure.reason,
                    request_id=request.request_id,
                )
            return surface.failure(request, failure)
        except ClientDisconnectedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            self._log.error(
                "request failed",
                route=exchange.route,
                cause=place_of(error),
                request_id=request.request_id,
            )
            return surface.failure(request, internal(request.request_id))

    async def _handled(self, surface: Surface, exchange: Exchange) -> Answer | StreamedAnswer:
        request = exchange.request
        try:
            path = Path.read(request.raw_path)
        except PathError as error:
            raise invalid(f"This can't be read: {error}.") from None
        match = surface.find(request.http_method, path)
        exchange.route, request.variables = match.route.template.text, match.variables
        refuse_unasked(request.http_method, request.headers, self._allowed_origins)
        async with self._bodies.read(request.headers, exchange.receive) as request.body:
            credentials = surface.credentials(request)
            exchange.caller = caller_of(request.headers, request.request_id, credentials)
            exchange.rpc = Rpc(self._upstream, self._methods, exchange.caller)
            async with exchange.attended():
                return await match.route.target(request, exchange.rpc)

    def _surface_at(self, raw_path: bytes) -> Surface:
        for prefix, dialect in self._dialects:
            if raw_path.startswith(prefix) and raw_path[len(prefix) :][:1] in {b"", b"/", b":"}:
                return dialect
        return self._contract

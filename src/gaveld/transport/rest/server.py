"""Listens for HTTP: its port, its TLS, and its going up and down without losing a request."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gaveld.transport.rest.gateway import Gateway
from gaveld.transport.rest.tls import Certificates

_TlsFactory = Callable[[uvicorn.Config, Callable[[], ssl.SSLContext]], ssl.SSLContext]

_MAX_HEAD_BYTES = 32 << 10
_IDLE_SECONDS = 75
"""How long a connection may wait for its next request: batches pause, and pools keep a minute."""

_PING_SECONDS = 30.0
_PONG_SECONDS = 120.0
"""Longer than a stream may be held up by a slow judge, when nothing is read, pongs neither."""

_CORS_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CORS_EXPOSED = ("x-request-id", "traceparent", "retry-after", "x-gavel-coverage")


@dataclass(frozen=True, slots=True)
class RestServerOptions:
    """Where to listen; port 0 takes any free one.

    ``cors_origins`` are the web pages' origins that browsers may call from; none by default.
    With ``certificates`` it serves TLS alone.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    cors_origins: tuple[str, ...] = ()
    certificates: Certificates | None = None
    max_websocket_message_bytes: int = 6 << 20


class RestServer:
    """One HTTP listener in front of a gateway."""

    def __init__(self, options: RestServerOptions, gateway: Gateway) -> None:
        self._options = options
        self._gateway = gateway
        self._server: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and return the bound port.

        Raises ``OSError`` for a port that is taken.
        """
        options = self._options
        app = self._gateway
        config = uvicorn.Config(
            _with_cors(app, options.cors_origins) if options.cors_origins else app,
            http=_BoundedProtocol,
            ws="websockets-sansio",
            ws_max_size=options.max_websocket_message_bytes,
            ws_per_message_deflate=False,
            ws_ping_interval=_PING_SECONDS,
            ws_ping_timeout=_PONG_SECONDS,
            log_config=None,
            log_level="warning",  # below it there are addresses and queries
            access_log=False,
            timeout_keep_alive=_IDLE_SECONDS,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ssl_context_factory=_tls_factory(options.certificates),
        )
        config.load()
        listener = _listen(options.host, options.port)
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))
        port: int = listener.getsockname()[1]
        return port

    def leave(self) -> None:
        """Have clients close their connection after each answer; for the notice before the end."""
        self._gateway.leave()

    async def finish(self, grace_seconds: float) -> None:
        """Take no new connection, and return when the requests in progress are answered.

        Or after ``grace_seconds``, if that is sooner. WebSockets go on until their RPCs end.
        """
        self.leave()
        if self._server is not None:
            self._server.close_listeners()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gateway.until_idle(), grace_seconds)

    async def drain(self, notice_seconds: float, grace_seconds: float) -> None:
        """Take requests for the notice, while callers move away; then finish and stop."""
        self.leave()
        await asyncio.sleep(notice_seconds)
        await self.finish(grace_seconds)
        await self.stop()

    async def stop(self) -> None:
        """End whatever is left. Idempotent."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = self._server.force_exit = True
        await self._serving
        self._server = self._serving = None


class _BoundedProtocol(HttpToolsProtocol):
    """Reads requests whose line and headers together are no longer than a limit."""

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise ValueError("the head of the request is too long")  # ends as a 400


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals alone, and can stop listening before it stops serving."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def close_listeners(self) -> None:
        if self.started:
            for listener in self.servers:
                listener.close()


def _tls_factory(certificates: Certificates | None) -> _TlsFactory | None:
    return None if certificates is None else lambda _config, _default: certificates.context


def _with_cors(app: Gateway, origins: tuple[str, ...]) -> CORSMiddleware:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_CORS_METHODS,
        allow_headers=("*",),  # vendors' clients have many of their own
        expose_headers=_CORS_EXPOSED,
        max_age=600,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), port), family=family)
    # Connections inherit it. Else an answer's body waits 40 ms for its head to be acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

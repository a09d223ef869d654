"""Serves /metrics, /livez and /readyz over plain HTTP, in the loop of the gRPC server.

It says nothing of content or callers, and leaves signals to whoever runs the process.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


class OpsServer:
    """One HTTP listener. ``is_ready`` says whether calls are wanted; port 0 takes any free one."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, is_ready: Callable[[], bool]
    ) -> None:
        self._host = host
        self._port = port
        self._app = application(registry, is_ready)
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and return the bound port. Raises ``OSError`` for one that is taken."""
        listener = _listen(self._host, self._port)
        config = uvicorn.Config(
            self._app, log_config=None, access_log=False, lifespan="off", ws="none"
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))
        port: int = listener.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening and end open requests. Idempotent."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = self._server.force_exit = True
        await self._serving
        self._server = self._serving = None


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def application(registry: CollectorRegistry, is_ready: Callable[[], bool]) -> Starlette:
    """Return the three routes.

    ``/livez`` answers 200 as long as the loop turns; ``/readyz`` 200 or 503.
    """

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ok\n")
        return PlainTextResponse("not ready\n", status_code=503)

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)]
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), port), family=family)
    # Connections inherit it; asyncio would not set it on those of such a listener.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

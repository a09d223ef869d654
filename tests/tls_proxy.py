"""TLS before a server of the tests that has none itself, as a sidecar would put it there."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""How a client of PostgreSQL asks for TLS; ``S`` grants it."""
GONE = (OSError, EOFError, RuntimeError)
"""What reading and writing may raise once either side has ended."""


class TlsProxy:
    """Takes connections over TLS and passes them on to a unix socket."""

    def __init__(self, socket: Path, context: ssl.SSLContext, *, is_postgres: bool) -> None:
        self._socket = socket
        self._context = context
        self._is_postgres = is_postgres
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        """Take connections. Returns the port."""
        tls = None if self._is_postgres else self._context
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection, and wait until nobody serves any more."""
        assert self._server is not None
        self._server.close()
        while self._serving:
            for writer in self._writers:
                writer.close()
            await asyncio.wait(self._serving, timeout=0.1)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(*GONE):
            if self._is_postgres:
                assert await reader.readexactly(len(REQUEST)) == REQUEST
                writer.write(b"S")
                await writer.start_tls(self._context)
            behind, to_behind = await asyncio.open_unix_connection(self._socket)
            self._writers.append(to_behind)
            await asyncio.gather(_passed_on(reader, to_behind), _passed_on(behind, writer))
        writer.close()


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(*GONE):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def encrypted(
    socket: Path, certificate: Path, key: Path, *, is_postgres: bool = False
) -> AsyncIterator[int]:
    """Give a port of loopback that speaks TLS and passes on to a unix socket."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    proxy = TlsProxy(socket, context, is_postgres=is_postgres)
    port = await proxy.start()
    try:
        yield port
    finally:
        await proxy.stop()

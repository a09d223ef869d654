"""A host on loopback that answers as tests tell it, well or badly, and a network leading there."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpcore2

from gaveld.adapters.web.guard.resolver import Resolver, SystemResolver
from gaveld.adapters.web.guard.transport import GuardedTransport
from gaveld.adapters.web.media.fetcher import FetchLimits, GuardedMediaFetcher

PUBLIC = "93.184.215.14"
"""A public address, which the network of these tests leads to loopback."""

Answer = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """One request as it arrived, and the way to answer it byte by byte."""

    path: str
    headers: Mapping[str, str]
    _writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the caller has closed the connection."""

    async def send(self, data: bytes) -> None:
        """Send raw bytes. Raises ``ConnectionError`` once the caller is gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int = 200, **headers: str | int) -> None:
        """Send a status line and headers; underscores in names become hyphens."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode())

    async def file(self, data: bytes, **headers: str | int) -> None:
        """Send a whole file."""
        await self.head(200, content_length=len(data), **headers)
        await self.send(data)


class Target:
    """Answers by path. `requests` are those that came, `callers` the connections open now."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.requests: list[Exchange] = []
        self.callers = self.most_callers = self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after another."""
        self.connections += 1
        self.callers += 1
        self.most_callers = max(self.most_callers, self.callers)
        try:
            # Cancelled only as the target closes, which asyncio's server would call an error.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._exchange(reader, writer)
        finally:
            self.callers -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        exchange = Exchange(head[0].split()[1], headers, writer)
        self.requests.append(exchange)
        answering = asyncio.ensure_future(self.answers[exchange.path.split("?")[0]](exchange))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                exchange.gone.set()
                raise ConnectionResetError
            await answering
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


def sends(data: bytes, **headers: str | int) -> Answer:
    """An answer that sends a file."""
    return lambda exchange: exchange.file(data, **headers)


def redirects(to: str, status: int = 302) -> Answer:
    """An answer that redirects."""
    return lambda exchange: exchange.head(status, location=to, content_length=0)


def says(raw: bytes) -> Answer:
    """An answer of raw bytes, after which the connection is closed."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(raw)
        raise ConnectionResetError

    return answer


@asynccontextmanager
async def target(
    answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Target]:
    """Serve on a free port of loopback."""
    served = Target(answers)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if "Target.serve" in repr(task.get_coro())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Names:
    """A `Resolver` with the addresses that it is told, which may change with every question."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host, [()])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Network(httpcore2.AsyncNetworkBackend):
    """Leads every address to one port of loopback, and remembers which were asked for."""

    def __init__(self, port: int, *, dead: Iterable[str] = ()) -> None:
        self._port, self._dead = port, frozenset(dead)
        self._inner = httpcore2.AnyIOBackend()
        self.reached: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host,
        port,
        timeout=None,  # noqa: ASYNC109 - the interface's
        local_address=None,
        socket_options=None,
    ) -> httpcore2.AsyncNetworkStream:
        self.reached.append((host, port))
        if host in self._dead:
            raise httpcore2.ConnectError("no route")
        return await self._inner.connect_tcp("127.0.0.1", self._port, timeout)


@asynccontextmanager
async def fetching(
    network: httpcore2.AsyncNetworkBackend | None = None,
    names: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    **limits: float,
) -> AsyncIterator[GuardedMediaFetcher]:
    """A fetcher over given names and network; those of the system where none are given."""
    system = SystemResolver()
    transport = GuardedTransport(names or system, network=network, ssl_context=tls)
    fetcher = GuardedMediaFetcher(transport, FetchLimits(**limits))
    try:
        yield fetcher
    finally:
        await fetcher.close()
        await transport.aclose()
        system.close()

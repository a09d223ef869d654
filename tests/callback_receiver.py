"""A receiver of callbacks on loopback that answers as tests tell it, well or badly."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[["Arrival", asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, byte by byte; the connection goes on unless it is closed."""


@dataclass(frozen=True)
class Arrival:
    """One request as it arrived; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def says(status: int, body: bytes = b"", **headers: str | int) -> Answer:
    """An answer with a status, headers (underscores become hyphens) and a whole body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in (named | {"content-length": len(body)}).items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode()

    async def answer(_: Arrival, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()

    return answer


@dataclass
class Receiver:
    """What arrived, how many connections there were, and the most requests at a time."""

    answer: Answer
    arrivals: list[Arrival] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def wait_for(self, count: int) -> list[Arrival]:
        """Return what arrived once so many have."""
        async with asyncio.timeout(60), self.arrived:
            await self.arrived.wait_for(lambda: len(self.arrivals) >= count)
        return self.arrivals

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self.serving.add(task)
        try:
            # Cancelled only as the receiver closes, which asyncio's server would call an error.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    await self._exchange(reader, writer)
        finally:
            self.serving.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        method, path, _ = head[0].split(" ")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        async with self.arrived:
            self.arrivals.append(Arrival(method, path, headers, body))
            self.arrived.notify_all()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answering = asyncio.ensure_future(self.answer(self.arrivals[-1], writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise ConnectionResetError  # the sender has gone
            await answering
        finally:
            self.at_once -= 1
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


@asynccontextmanager
async def receiving(
    answer: Answer | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Receive on a free port of loopback; with no answer of its own, it takes everything."""
    receiver = Receiver(answer or says(204))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        tasks = list(receiver.serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""A real HTTP server on loopback that speaks the OpenAI chat API as a test tells it to.

Each request is met by the next behaviour; the last one stays. It keeps what it received.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11


@dataclass
class Received:
    """One request, and the connection that it came on, counted from 1.

    ``body`` is its JSON, and empty for what is none; ``raw`` is its bytes.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int
    raw: bytes = b""

    @property
    def system(self) -> str:
        """The system message; empty if there is none."""
        return next((m["content"] for m in self.body["messages"] if m["role"] == "system"), "")

    @property
    def user(self) -> str:
        """The words of the user message."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else content[0]["text"]


@dataclass
class Exchange:
    """What a behaviour may do with one request."""

    request: Received
    server: "ChatServer"
    peer: h11.Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(
        self, body: bytes, status: int = 200, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Send a whole answer."""
        length = ("content-length", str(len(body)))
        self.send(h11.Response(status_code=status, headers=[*headers, length]))
        self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage())
        await self.writer.drain()

    def send(self, event: Any) -> None:
        self.writer.write(self.peer.send(event) or b"")


Behaviour = Callable[[Exchange], Awaitable[None]]
Model = Callable[[Received], str]


def completion(text: str | None, **choice: Any) -> bytes:
    """A chat completion with one choice."""
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    one = {"index": 0, "message": message, "finish_reason": "stop", **choice}
    return json.dumps({"object": "chat.completion", "choices": [one]}).encode()


def says(words: str | Model, **choice: Any) -> Behaviour:
    """Answer with words, or with what a model makes of the request."""

    async def behave(exchange: Exchange) -> None:
        said = words if isinstance(words, str) else words(exchange.request)
        await exchange.answer(completion(said, **choice))

    return behave


def sends(body: bytes, *headers: tuple[str, str]) -> Behaviour:
    """Answer 200 with any body."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(body, headers=headers)

    return behave


def refuses(status: int, *headers: tuple[str, str], body: bytes = b"{}") -> Behaviour:
    """Answer with a status."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(body, status, headers)

    return behave


async def hangs_up(exchange: Exchange) -> None:
    """Close the connection without a word."""
    exchange.writer.transport.abort()


async def hangs_up_midway(exchange: Exchange) -> None:
    """Promise an answer, send half of it, and close the connection."""
    whole = completion("unsafe")
    exchange.send(h11.Response(status_code=200, headers=[("content-length", str(len(whole)))]))
    exchange.send(h11.Data(data=whole[:20]))
    await exchange.writer.drain()
    exchange.writer.transport.abort()


async def holds(exchange: Exchange) -> None:
    """Say nothing for as long as the client waits."""
    exchange.server.holding.set()
    with contextlib.suppress(ConnectionError):
        await exchange.reader.read(1)
    exchange.server.left += 1
    exchange.server.gone.set()
    exchange.writer.transport.abort()


@dataclass
class ChatServer:
    """Where it listens, what it received, and how it behaves."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    left: int = 0
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def behave(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, peer = self.connections, h11.Connection(h11.SERVER)
        try:
            while (request := await _next_request(peer, reader, number)) is not None:
                self.received.append(request)
                self.busy += 1
                self.busiest = max(self.busiest, self.busy)
                behave = self.behaviours.pop(0) if self.behaviours[1:] else self.behaviours[0]
                try:
                    await behave(Exchange(request, self, peer, reader, writer))
                finally:
                    self.busy -= 1
                if writer.transport.is_closing() or peer.our_state is not h11.DONE:
                    return
                peer.start_next_cycle()
        except ConnectionError:
            return
        finally:
            writer.close()


async def _next_request(
    peer: h11.Connection, reader: asyncio.StreamReader, number: int
) -> Received | None:
    head, body = None, bytearray()
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            is_json = headers.get("content-type") == "application/json"
            parsed = json.loads(body) if is_json else {}
            return Received(head.target.decode(), headers, parsed, number, bytes(body))
        else:
            return None


@asynccontextmanager
async def chat_server(*behaviours: Behaviour) -> AsyncIterator[ChatServer]:
    """Serve on a free loopback port."""
    told = ChatServer(behaviours=list(behaviours))
    serving: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with contextlib.suppress(asyncio.CancelledError):  # the test is over
            await told.serve(reader, writer)
        serving.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield told
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving)
        await server.wait_closed()

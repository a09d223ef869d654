"""Callers that call again and again, and what they saw: how fast, how slow, how refused."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import grpc
import grpc.aio

Call = Callable[[bytes], Awaitable[None]]
"""Sends one request and waits for its answer. Raises ``CallFailed`` where there is none."""
Client = Callable[[], AbstractAsyncContextManager[Call]]
"""Opens what calls go over, for as long as the context lasts."""

CALL_SECONDS: Final = 30
READY_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.02
"""How long a caller that was refused waits before it calls again."""


class CallFailed(Exception):  # noqa: N818 - what happened, as the caller says it
    """A call got no answer; the argument is its status in one word."""


@dataclass
class Seen:
    """What a load of calls saw. Latencies are of answered calls, in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answered calls a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the latency that ``share`` of the answered calls stayed under, in seconds.

        It is not a number where none was answered.
        """
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan


async def load(client: Client, requests: Sequence[bytes], callers: int, seconds: float) -> Seen:
    """Call with so many callers at once for so long; each waits for its answer.

    The callers take the requests in turn, as soon as the first is answered. Raises
    ``TimeoutError`` where no answer comes in a minute.
    """
    seen, turn = Seen(), cycle(requests)
    async with client() as call:
        await _first_answer(call, requests[0])
        started = time.perf_counter()

        async def call_again_and_again() -> None:
            while (began := time.perf_counter()) - started < seconds:
                try:
                    await call(next(turn))
                except CallFailed as failure:
                    seen.failures[str(failure)] += 1
                    await asyncio.sleep(PAUSE_SECONDS)
                else:
                    seen.latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(call_again_and_again() for _ in range(callers)))
        seen.seconds = time.perf_counter() - started
    return seen


async def until_answered(client: Client, request: bytes) -> None:
    """Call until a server answers. Raises ``TimeoutError`` where none does in a minute."""
    async with client() as call:
        await _first_answer(call, request)


async def _first_answer(call: Call, request: bytes) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                return await call(request)
            except CallFailed:
                await asyncio.sleep(PAUSE_SECONDS)


def over_grpc(address: str, path: str, connections: int = 1) -> Client:
    """Return a client of one unary RPC: callers share the connections, and nothing is retried."""
    options = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))

    @asynccontextmanager
    async def client() -> AsyncIterator[Call]:
        async with AsyncExitStack() as stack:
            methods = []
            for _ in range(connections):
                channel = grpc.aio.insecure_channel(address, options)
                await stack.enter_async_context(channel)
                methods.append(channel.unary_unary(path, None, None))
            turn = cycle(methods)

            async def call(request: bytes) -> None:
                try:
                    await next(turn)(request, timeout=CALL_SECONDS)
                except grpc.aio.AioRpcError as error:
                    raise CallFailed(error.code().name) from None

            yield call

    return client


def over_http(address: str, path: str) -> Client:
    """Return a client that posts JSON over HTTP/1.1, each caller on a connection that it keeps.

    It knows just enough HTTP for that, so that it takes as little of the machine as it can from
    the server: a full client would cost the servers it measures.
    """
    head = f"POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"

    @asynccontextmanager
    async def client() -> AsyncIterator[Call]:
        idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

        async def call(request: bytes) -> None:
            host, _, port = address.rpartition(":")
            try:
                connection = idle.pop() if idle else await asyncio.open_connection(host, int(port))
            except OSError as error:
                raise CallFailed(type(error).__name__) from None
            reader, writer = connection
            writer.write(f"{head}content-length: {len(request)}\r\n\r\n".encode() + request)
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    status = await _answered(reader)
            except (TimeoutError, OSError, EOFError) as error:
                writer.close()
                raise CallFailed(type(error).__name__) from None
            idle.append(connection)
            if status != b"200":
                raise CallFailed(status.decode())

        yield call
        for _, writer in idle:
            writer.close()

    return client


async def _answered(reader: asyncio.StreamReader) -> bytes:
    """Read one whole answer and return its status."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            await reader.readexactly(int(value))
            return lines[0].split()[1]
    raise EOFError("an answer of unknown length")

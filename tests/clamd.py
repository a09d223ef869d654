"""A server of the tests' own that speaks clamd's protocol, well or as badly as a test tells it to.

It takes a file in chunks with their lengths before them, up to a limit, and knows one signature.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What antivirus engines agree to find, harmless, and in two halves so that none finds it here."""

VERSION = b"ClamAV 1.4.3/27462/Thu Nov 14 09:36:18 2024"


@dataclass
class Clamd:
    """Where it listens, what it was sent, and what it answers."""

    address: str = ""
    version: bytes = VERSION
    answer: "Answer | None" = None
    most_bytes: int = 1 << 20
    commands: list[bytes] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            command = await reader.readuntil(b"\0")
            self.commands.append(command)
            if command == b"zVERSION\0":
                writer.write(self.version + b"\0")
            elif command == b"zINSTREAM\0":
                await (self.answer or scans)(self, reader, writer)
            else:
                writer.write(b"UNKNOWN COMMAND\0")
            if not writer.is_closing():
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()

    async def take(self, reader: asyncio.StreamReader) -> bytes | None:
        """Return the file that comes; None as soon as it is too large."""
        data = bytearray()
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            if len(data) + length > self.most_bytes:
                return None
            self.chunks.append(length)
            data += await reader.readexactly(length)
        self.files.append(bytes(data))
        return bytes(data)


Answer = Callable[[Clamd, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def scans(clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do what clamd does: hang up on what is too large, and look for the signature in the rest."""
    data = await clamd.take(reader)
    if data is None:
        writer.write(b"INSTREAM size limit exceeded. ERROR\0")
    else:
        found = EICAR in data
        writer.write(b"stream: Eicar-Test-Signature FOUND\0" if found else b"stream: OK\0")


class Meeting:
    """Scans files, the first of them only once so many are being scanned."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.now = self.most = 0
        self._met = asyncio.Event()

    async def __call__(
        self, clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == self.number:
            self._met.set()
        await self._met.wait()
        data = await clamd.take(reader)
        self.now -= 1  # before the answer, upon which the next may come
        found = data is not None and EICAR in data
        writer.write(b"stream: Eicar-Test-Signature FOUND\0" if found else b"stream: OK\0")


def says(reply: bytes) -> Answer:
    """Take the file and say this, byte for byte."""

    async def answer(
        clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await clamd.take(reader)
        for byte in reply:  # in pieces, as a network may deliver it
            writer.write(bytes([byte]))
            await writer.drain()

    return answer


def says_at_once(reply: bytes) -> Answer:
    """Say this before the file is there, and hang up."""

    async def answer(
        clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(reply)
        await writer.drain()

    return answer


async def hangs_up(
    clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Reset the connection in the middle of the file."""
    await reader.readexactly(4)
    writer.transport.abort()


async def holds(clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the file and say nothing for as long as the client stays."""
    await clamd.take(reader)
    clamd.holding.set()
    await reader.read(1)
    clamd.gone.set()


async def stops_reading(
    clamd: Clamd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Take nothing more, so that the client can't go on sending."""
    writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport has it
    clamd.holding.set()
    await clamd.gone.wait()


@asynccontextmanager
async def clamd_server(path: Path | None = None, host: str = "127.0.0.1") -> AsyncIterator[Clamd]:
    """Serve on a free loopback port, or on a Unix socket."""
    told = Clamd()
    serving: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with contextlib.suppress(asyncio.CancelledError):  # the test is over
            await told.serve(reader, writer)
        serving.discard(task)

    if path is not None:
        server = await asyncio.start_unix_server(accept, path)
        told.address = f"unix://{path}"
    else:
        server = await asyncio.start_server(accept, host, 0)
        told.address = f"tcp://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield told
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving)
        await server.wait_closed()

"""Speaks clamd's protocol: one command a connection, over TCP or a Unix socket.

A reply counts only if it is whole and says so in clamd's own words; anything else is an error,
never a clean file. It works on sockets and not on streams, because clamd hangs up on a file that is
too large for it, and what it said before that must still be read.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

CONNECT_SECONDS: Final = 2.0
CHUNK_BYTES: Final = 1 << 16
MOST_REPLY_BYTES: Final = 4_096
USUAL_PORT: Final = 3310

_FOUND: Final = re.compile(r"stream: (.+) FOUND", re.DOTALL)
_CLEAN: Final = "stream: OK"
_TOO_LARGE: Final = "INSTREAM size limit exceeded. ERROR"
_VERSION: Final = re.compile(r"ClamAV ([\w.+~-]{1,40})(?:/(\d{1,12})(?:/[ -~]{0,64})?)?")


class ClamdError(Exception):
    """There is no answer from clamd. The message holds nothing of the content or of the reply."""


@dataclass(frozen=True, slots=True)
class ClamdAddress:
    """Where clamd listens: a host and a port, or the path of a Unix socket."""

    host: str = ""
    port: int = USUAL_PORT
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> "ClamdAddress":
        """Read ``tcp://host``, ``tcp://host:port`` or ``unix:///path``, or raise ``ValueError``."""
        parts = urlsplit(url)
        rest = parts.username or parts.password or parts.query or parts.fragment
        if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1 and not rest:
            return cls(path=parts.path)
        port = USUAL_PORT if parts.port is None else parts.port
        if (
            parts.scheme == "tcp"
            and parts.hostname
            and parts.path in {"", "/"}
            and port
            and not rest
        ):
            return cls(parts.hostname, port)
        raise ValueError("must be such as tcp://clamd:3310 or unix:///run/clamav/clamd.ctl")


@dataclass(frozen=True, slots=True)
class ScanReply:
    """What clamd says of one file: the name of the signature that it matches, if one.

    ``is_too_large``: clamd takes no file of this size, and has looked at nothing.
    """

    signature: str | None = None
    is_too_large: bool = False


class ClamdClient:
    """Asks one clamd. ``timeout_seconds`` bounds a question, from connecting to the whole reply."""

    def __init__(self, address: ClamdAddress, *, timeout_seconds: float = 15.0) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds

    async def version(self) -> str:
        """Return what is running as ``engine/database``; the engine alone without a database.

        Raises ``ClamdError``.
        """
        async with self._connection() as connection:
            await _send(connection, b"zVERSION\0")
            match = _VERSION.fullmatch(await _reply(connection))
        if match is None:
            raise ClamdError("what answers is no clamd")
        engine, database = match.groups()
        return f"{engine}/{database}" if database else engine

    async def scan(self, data: bytes) -> ScanReply:
        """Return what clamd says of a file. Raises ``ClamdError``; if cancelled, it hangs up."""
        async with self._connection() as connection:
            is_sent = await _send_file(connection, data)
            reply = await _reply(connection)
        if reply == _CLEAN and is_sent:
            return ScanReply()
        if reply == _TOO_LARGE:
            return ScanReply(is_too_large=True)
        match = _FOUND.fullmatch(reply)
        if match is None:
            raise ClamdError("clamd did not scan the file, or its answer can't be read")
        return ScanReply(signature=match[1])

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[socket.socket]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = await self._connect()
                with connection:
                    yield connection
        except TimeoutError as error:
            raise ClamdError(f"no answer after {self._timeout_seconds:.3g} s") from error
        except OSError as error:
            raise ClamdError(f"the connection broke: {type(error).__name__}") from error

    async def _connect(self) -> socket.socket:
        failure: Exception | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                for family, target in await self._targets():
                    connection = socket.socket(family, socket.SOCK_STREAM)
                    try:
                        connection.setblocking(False)
                        await asyncio.get_running_loop().sock_connect(connection, target)
                    except OSError as error:
                        failure = error
                        connection.close()
                    except BaseException:
                        connection.close()
                        raise
                    else:
                        return connection
        except (TimeoutError, OSError) as error:
            failure = error
        raise ClamdError("clamd can't be reached") from failure

    async def _targets(self) -> list[tuple[socket.AddressFamily, Any]]:
        if self._address.path:
            return [(socket.AF_UNIX, self._address.path)]
        found = await asyncio.get_running_loop().getaddrinfo(
            self._address.host, self._address.port, type=socket.SOCK_STREAM
        )
        return [(family, target) for family, _, _, _, target in found]


async def _send(connection: socket.socket, data: bytes | memoryview) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, data)


async def _send_file(connection: socket.socket, data: bytes) -> bool:
    """Send a file in chunks, each after its length, and say whether clamd took all of it."""
    whole = memoryview(data)
    with contextlib.suppress(ConnectionError):  # it said why before it hung up, or no reply comes
        await _send(connection, b"zINSTREAM\0")
        for start in range(0, len(whole), CHUNK_BYTES):
            chunk = whole[start : start + CHUNK_BYTES]
            await _send(connection, len(chunk).to_bytes(4, "big"))
            await _send(connection, chunk)
        await _send(connection, bytes(4))
        return True
    return False


async def _reply(connection: socket.socket) -> str:
    """Return a reply, which a zero byte and clamd's hanging up end. Else raises ``ClamdError``."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):  # so it hangs up on what it did not read
        while part := await asyncio.get_running_loop().sock_recv(connection, MOST_REPLY_BYTES):
            received += part
            if len(received) > MOST_REPLY_BYTES:
                break
    text, end, more = received.partition(b"\0")
    if not end or more:
        raise ClamdError("clamd hung up before it had answered, or said too much")
    return text.decode("utf-8", "replace")

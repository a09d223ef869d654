"""Reads request bodies within bounds: of size, of time, and of memory held by all of them.

A body that says it is too large is refused before a byte of it is read.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from google.rpc import code_pb2

from gaveld.transport.rest.failures import RpcFailure, refusal
from gaveld.transport.rest.headers import Headers

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_READING_SECONDS: Final = 30.0


class ClientDisconnectedError(Exception):
    """The client went away before its request was whole."""


class Bodies:
    """The bodies that a gateway reads.

    ``max_bytes`` bounds one, ``max_bytes_in_flight`` all that are held at the same time.
    """

    def __init__(self, max_bytes: int, max_bytes_in_flight: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes_in_flight

    @asynccontextmanager
    async def read(self, headers: Headers, receive: Receive) -> AsyncIterator[bytes]:
        """Give the body, which counts as held until the context is left.

        Raises ``RpcFailure`` for one that may not be read, and ``ClientDisconnectedError``.
        """
        encoding = headers["content-encoding"].strip().lower()
        if encoding not in {"", "identity"}:
            raise refusal(
                code_pb2.INVALID_ARGUMENT,
                "CONTENT_TYPE_UNSUPPORTED",
                "Bodies are read as they are: send none with a content-encoding.",
            )
        declared = headers["content-length"]
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise self._too_large()
        pieces: list[bytes] = []
        held = 0
        try:
            try:
                async with asyncio.timeout(_READING_SECONDS):
                    async for piece in _pieces(receive):
                        pieces.append(piece)
                        held += len(piece)
                        self._left -= len(piece)
                        self._check(held)
            except TimeoutError:
                raise _too_slow() from None
            yield pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            self._left += held

    def _check(self, held: int) -> None:
        if held > self._max_bytes:
            raise self._too_large()
        if self._left < 0:
            raise refusal(
                code_pb2.RESOURCE_EXHAUSTED,
                "SERVER_OVERLOADED",
                "The gateway holds as many bytes of requests as it may; try again.",
                retry_after_seconds=1.0,
            )

    def _too_large(self) -> RpcFailure:
        return refusal(
            code_pb2.RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_LARGE",
            f"The body is larger than {self._max_bytes} bytes.",
            metadata={"limit_bytes": str(self._max_bytes)},
        )


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientDisconnectedError
        yield event.get("body", b"")
        if not event.get("more_body", False):
            return


def _too_slow() -> RpcFailure:
    failure = refusal(
        code_pb2.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
        f"The body did not arrive within {_READING_SECONDS:.0f} seconds.",
    )
    failure.http_status = 408
    return failure

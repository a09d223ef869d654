"""One HTTP request and its answer on the wire: what was asked, whether the client is still there.

A client that goes away ends the work for it, wherever that is waiting.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from gaveld.transport.rest.answers import Answer, StreamedAnswer
from gaveld.transport.rest.bodies import ClientDisconnectedError, Receive
from gaveld.transport.rest.headers import Caller, Headers, request_id_of
from gaveld.transport.rest.metrics import UNKNOWN_ROUTE
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLIENT_GONE: Final = 499
NO_CONTENT: Final = 204
"""The status of answers that have no body, and no headers of one."""


class Exchange:
    """A request in progress. ``status`` is what it was answered with, for metrics.

    ``caller`` and ``rpc`` are None until the request was found good enough to call anything.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope["headers"])
        self.request = Request(
            scope["method"],
            scope["raw_path"].partition(b"?")[0],
            scope["query_string"],
            headers,
            request_id_of(headers),
            scheme=scope.get("scheme", "http"),
        )
        self.started = time.monotonic()
        self.route = UNKNOWN_ROUTE
        self.status = CLIENT_GONE
        self.caller: Caller | None = None
        self.rpc: Rpc | None = None
        self.receive = receive
        self._send = send
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._is_gone = False

    @contextlib.asynccontextmanager
    async def attended(self) -> Any:
        """End what runs within the context when the client goes away.

        Raises ``ClientDisconnectedError`` then.
        """
        watch = asyncio.create_task(self._watch_client())
        try:
            yield
        except asyncio.CancelledError:
            if self._is_gone and self._task is not None and not self._task.uncancel():
                raise ClientDisconnectedError from None
            raise
        finally:
            watch.cancel()

    async def send(self, answer: Answer | StreamedAnswer, *, is_last: bool) -> None:
        """Send the answer; ``is_last`` has the client close the connection after it."""
        self.status = answer.status
        headers = [(b"x-content-type-options", b"nosniff")]
        if not any(name == "cache-control" for name, _ in answer.headers):
            headers.append((b"cache-control", b"no-store"))
        if answer.status != NO_CONTENT:
            headers.append((b"content-type", answer.content_type.encode("latin-1")))
        headers += [(name.encode(), value.encode("latin-1")) for name, value in self._named()]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
        if is_last:
            headers.append((b"connection", b"close"))
        if isinstance(answer, Answer):
            if answer.status != NO_CONTENT:
                headers.append((b"content-length", str(len(answer.body)).encode()))
            await self._start(answer.status, headers)
            await self._send({"type": "http.response.body", "body": answer.body})
            return
        await self._start(answer.status, headers)
        async with self.attended():
            async for piece in answer.pieces:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _named(self) -> tuple[tuple[str, str], ...]:
        if self.caller is None or self.rpc is None:
            return (("x-request-id", self.request.request_id),)
        return self.caller.answered(self.rpc.request_id)

    async def _watch_client(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        if self._task is not None:
            self._task.cancel()

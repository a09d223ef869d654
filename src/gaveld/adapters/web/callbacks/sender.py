"""Makes one attempt to deliver a callback, and says what came of it. When to try again, others say.

Of an answer it looks at the status and ``Retry-After`` alone; the body is not waited for.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from gaveld.adapters.web.callbacks.signing import signature
from gaveld.adapters.web.guard.locations import LocationRefused, host_of, location_of
from gaveld.adapters.web.guard.transport import (
    INTERNAL,
    AddressNotAllowed,
    NameNotResolved,
    TlsNotTrusted,
)
from gaveld.application.ports import Attempt
from gaveld.domain.deliveries import AttemptOutcome, Delivery, is_reserved_header

TIMEOUT_SECONDS: Final = 15.0
DRAINED_BYTES: Final = 16_384
DRAINING_SECONDS: Final = 0.25
"""An answer that ends within both leaves its connection for the next callback."""

_FAMILIES: Final = {
    2: AttemptOutcome.DELIVERED,
    3: AttemptOutcome.REDIRECTED,
    4: AttemptOutcome.REFUSED,
}
_SPECIAL: Final = {
    410: AttemptOutcome.GONE,
    429: AttemptOutcome.THROTTLED,
    503: AttemptOutcome.THROTTLED,
}
"""What a status means: every other one of its hundreds, and the receiver's fault otherwise."""

_FAULTS: Final = (
    (AddressNotAllowed, AttemptOutcome.NOT_ALLOWED, "address_not_public"),
    (NameNotResolved, AttemptOutcome.UNREACHABLE, "name_not_resolved"),
    (TlsNotTrusted, AttemptOutcome.UNREACHABLE, "tls_failed"),
    (httpx2.LocalProtocolError, AttemptOutcome.NOT_ALLOWED, "request_malformed"),
    (httpx2.ProtocolError, AttemptOutcome.FAILED, "response_malformed"),
    (httpx2.ConnectError, AttemptOutcome.UNREACHABLE, "connection_failed"),
    (httpx2.ConnectTimeout, AttemptOutcome.UNREACHABLE, "connection_failed"),
    (httpx2.TransportError, AttemptOutcome.UNREACHABLE, "connection_lost"),
)


class HttpCallbackSender:
    """A ``CallbackSender`` over a transport that reaches public hosts alone.

    ``internal_hosts`` are names of hosts that may lie in the operator's own network, in lower case.
    ``transport`` is closed by whoever made it; it must follow no redirect. ``now`` gives Unix
    seconds.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        *,
        internal_hosts: frozenset[str] = frozenset(),
        user_agent: str = "gavel",
        timeout_seconds: float = TIMEOUT_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._internal_hosts = internal_hosts
        self._user_agent = user_agent
        self._timeout_seconds = timeout_seconds
        self._now = now

    async def send(self, delivery: Delivery) -> Attempt:
        """Send once; see ``CallbackSender.send``. It takes no longer than the timeout."""
        try:
            request = self._request(delivery)
        except LocationRefused as refused:
            return Attempt(AttemptOutcome.NOT_ALLOWED, error=refused.fault.value)
        except ValueError:  # the secret is empty, or a header's value can't be sent
            return Attempt(AttemptOutcome.NOT_ALLOWED, error="request_malformed")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._transport.handle_async_request(request)
        except TimeoutError:
            return Attempt(AttemptOutcome.TIMED_OUT, error="timed_out")
        except httpx2.TransportError as error:
            return next(
                Attempt(outcome, error=word)
                for kind, outcome, word in _FAULTS
                if isinstance(error, kind)
            )
        try:
            return self._attempt(response)
        finally:
            await _let_go(response)

    def _request(self, delivery: Delivery) -> httpx2.Request:
        url = location_of(delivery.url)
        timestamp = int(self._now())
        headers = {
            "user-agent": self._user_agent,
            **_allowed(delivery.headers),
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(delivery.secret, delivery.id, timestamp, delivery.body),
        }
        return httpx2.Request(
            "POST",
            url,
            headers=[
                (name.encode("ascii"), value.encode()) for name, value in dict(headers).items()
            ],
            content=delivery.body,
            extensions={INTERNAL: host_of(url) in self._internal_hosts},
        )

    def _attempt(self, response: httpx2.Response) -> Attempt:
        status = response.status_code
        family = _FAMILIES.get(status // 100, AttemptOutcome.FAILED)
        outcome = _SPECIAL.get(status, family)
        if outcome is AttemptOutcome.DELIVERED:
            return Attempt(outcome, status)
        asked = None
        if outcome is AttemptOutcome.THROTTLED:
            asked = _retry_after(response.headers.get("retry-after", ""), self._now())
        return Attempt(outcome, status, "http_status", asked)


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return an action's own headers but for those that are not its to set, in lower case."""
    named = {name.lower(): value.strip() for name, value in headers.items()}
    return {name: value for name, value in named.items() if not is_reserved_header(name)}


def _retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, in either form; None for neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # of a year or a zone that no date has
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds())


async def _let_go(response: httpx2.Response) -> None:
    """Read a short body, so that its connection can be used again, and close any other."""
    try:
        with suppress(TimeoutError, httpx2.TransportError):
            async with asyncio.timeout(DRAINING_SECONDS):
                await _read(response)
    finally:
        with suppress(httpx2.TransportError):
            await response.aclose()


async def _read(response: httpx2.Response) -> None:
    if not isinstance(response.stream, AsyncIterable):
        raise TypeError("the transport answers with an asynchronous body")
    size = 0
    async for part in response.stream:
        size += len(part)
        if size > DRAINED_BYTES:
            return

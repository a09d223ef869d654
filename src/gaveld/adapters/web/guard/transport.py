"""An HTTP transport that can't be led to a host that is not public.

A name is resolved once, every address that it has is checked, and the connection goes to a checked
one; TLS still verifies the name. Redirects, limits and content are its callers' business.
"""

import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import httpcore2
import httpx2

from gaveld.adapters.web.guard.addresses import Reach, least_reach
from gaveld.adapters.web.guard.resolver import Resolver

INTERNAL: Final = "gavel_internal"
"""Request extension: True lets this request reach the operator's own network."""

ATTEMPT_SECONDS: Final = 2.0
"""One address of several may take so long to answer before the next is tried."""

MAX_ADDRESSES: Final = 4
"""So many addresses of a host are tried."""

# Its debug lines quote addresses and headers, which are content.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class AddressNotAllowed(httpx2.TransportError):
    """The host has an address that may not be reached. No connection was made."""


class NameNotResolved(httpx2.ConnectError):
    """The host's name has no address."""


class TlsNotTrusted(httpx2.ConnectError):
    """The TLS handshake failed, such as for a certificate that is not the host's."""


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses alone.

    ``nearest`` is the least reach that an address may have. ``inner`` opens the connections; it is
    only ever given IP addresses.
    """

    def __init__(
        self, resolver: Resolver, inner: httpcore2.AsyncNetworkBackend, nearest: Reach
    ) -> None:
        self._resolver = resolver
        self._inner = inner
        self._nearest = nearest

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers, if all of the host's may be reached."""
        addresses = await self._resolver.resolve(host, port)
        if not addresses:
            raise NameNotResolved("the name has no address")
        if least_reach(addresses) < self._nearest:
            raise AddressNotAllowed("the host is not public")
        seconds = min(timeout or ATTEMPT_SECONDS, ATTEMPT_SECONDS)
        *earlier, last = addresses[:MAX_ADDRESSES]
        for address in earlier:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await self._inner.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
        return await self._inner.connect_tcp(last, port, seconds, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no address leads to a local socket."""
        del path, timeout, socket_options
        raise AddressNotAllowed("a local socket is not public")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the inner backend does."""
        await self._inner.sleep(seconds)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to public hosts, and to internal ones where a request says ``INTERNAL``.

    The two kinds share no connection, so that what one request was allowed never serves another.
    It follows no redirect, keeps no cookie and reads no proxy or certificate from the environment.
    ``ssl_context`` None trusts the system's authorities.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        network: httpcore2.AsyncNetworkBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int = 100,
        keep_seconds: float = 5.0,
    ) -> None:
        inner = httpcore2.AnyIOBackend() if network is None else network
        trusted = ssl_context or httpx2.create_ssl_context(trust_env=False)
        self._pools = {
            is_internal: httpcore2.AsyncConnectionPool(
                ssl_context=trusted,
                max_connections=max_connections,
                keepalive_expiry=keep_seconds,
                network_backend=GuardedBackend(resolver, inner, nearest),
            )
            for is_internal, nearest in ((False, Reach.PUBLIC), (True, Reach.INTERNAL))
        }

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises ``httpx2.TransportError``, of which this module adds three."""
        pool = self._pools[request.extensions.get(INTERNAL) is True]
        with _as_httpx2_errors():
            response = await pool.handle_async_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        if not isinstance(response.stream, AsyncIterable):
            raise TypeError("the pool answers with an asynchronous body")
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
            request=request,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """A response's body, with the errors of the transport."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream
        self._parts: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._parts = self._read()
        return self._parts

    async def _read(self) -> AsyncGenerator[bytes, None]:
        parts = aiter(self._stream)
        try:
            with _as_httpx2_errors():
                async for part in parts:
                    yield part
        finally:
            if isinstance(parts, AsyncGenerator):
                await parts.aclose()

    async def aclose(self) -> None:
        if self._parts is not None:
            await self._parts.aclose()
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


_ERRORS: Final[tuple[tuple[type[Exception], type[httpx2.TransportError]], ...]] = (
    (httpcore2.ConnectTimeout, httpx2.ConnectTimeout),
    (httpcore2.ReadTimeout, httpx2.ReadTimeout),
    (httpcore2.WriteTimeout, httpx2.WriteTimeout),
    (httpcore2.PoolTimeout, httpx2.PoolTimeout),
    (httpcore2.ConnectError, httpx2.ConnectError),
    (httpcore2.ReadError, httpx2.ReadError),
    (httpcore2.WriteError, httpx2.WriteError),
    (httpcore2.LocalProtocolError, httpx2.LocalProtocolError),
    (httpcore2.RemoteProtocolError, httpx2.RemoteProtocolError),
    (httpcore2.UnsupportedProtocol, httpx2.UnsupportedProtocol),
)


@contextmanager
def _as_httpx2_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The pool clears the cause, so the TLS failure is looked for in what it was made from.
        if any(isinstance(argument, ssl.SSLError) for argument in error.args):
            raise TlsNotTrusted("the TLS handshake failed") from error
        for theirs, ours in _ERRORS:
            if isinstance(error, theirs):
                raise ours(str(error)) from error
        raise

"""Gets a file for the image and video paths: the hops, the limits, and what the bytes are.

Which hosts may be reached, the transport decides; what a file shows, its decoder.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import httpx2

from gaveld.adapters.web.guard.locations import host_of
from gaveld.adapters.web.guard.transport import (
    INTERNAL,
    AddressNotAllowed,
    NameNotResolved,
    TlsNotTrusted,
)
from gaveld.adapters.web.media.locations import (
    data_of,
    is_data_uri,
    location_of,
    too_many_bytes,
)
from gaveld.adapters.web.media.sharing import Places, SingleFlight
from gaveld.domain.errors import ErrorReason, ResourceExhausted
from gaveld.domain.media import MediaFile, MediaReference, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import (
    SIGNATURE_BYTES,
    MediaFamily,
    MediaFormat,
    described,
    format_of,
)

RETRY_AFTER_SECONDS: Final = 1.0
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PLAIN: Final = frozenset({"", "identity"})
_INLINE_DIGEST_BYTES: Final = 1 << 18
"""Up to this a digest takes well under a millisecond, less than handing it to a thread."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much may be fetched, for how long and how much at once.

    Times run from the first look-up to the last byte, all redirects included.
    ``max_bytes_in_flight`` bounds what all running fetches hold together.
    """

    max_picture_bytes: int = 20_000_000
    max_video_bytes: int = 200_000_000
    picture_seconds: float = 5.0
    video_seconds: float = 30.0
    max_redirects: int = 5
    max_per_host: int = 4
    max_at_once: int = 32
    max_bytes_in_flight: int = 512 << 20

    def bytes_of(self, family: MediaFamily) -> int:
        """Return how large a file of the family may be."""
        return self.max_picture_bytes if family is MediaFamily.PICTURE else self.max_video_bytes


class GuardedMediaFetcher:
    """A ``MediaFetcher`` over a transport that reaches public hosts alone.

    ``transport`` is closed by whoever made it, after ``close``, which only ends what runs. It must
    neither follow redirects nor decode bodies.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        limits: FetchLimits | None = None,
        *,
        user_agent: str = "gavel",
    ) -> None:
        self._transport = transport
        self._limits = limits or FetchLimits()
        self._user_agent = user_agent
        self._flights: SingleFlight[_Wish, MediaFile] = SingleFlight()
        self._places = asyncio.Semaphore(self._limits.max_at_once)
        self._places_per_host: Places[str] = Places(self._limits.max_per_host)
        self._bytes_in_flight = 0

    async def fetch(
        self,
        reference: MediaReference,
        families: frozenset[MediaFamily],
        internal_hosts: frozenset[str] = frozenset(),
    ) -> MediaFile:
        """Return the file; see the port."""
        if reference.data is not None:
            return await self._inline(reference.data, families)
        if is_data_uri(reference.uri):
            most = max(map(self._limits.bytes_of, families))
            return await self._inline(data_of(reference.uri, most), families)
        wish = _Wish(location_of(reference.uri), families, internal_hosts)
        return await self._flights.run(wish, lambda: self._fetch(wish))

    async def close(self) -> None:
        """Cancel the fetches that run, and wait until they have let go."""
        await self._flights.close()

    async def _inline(self, data: bytes, families: frozenset[MediaFamily]) -> MediaFile:
        found = _admitted(data[:SIGNATURE_BYTES], families)
        most = self._limits.bytes_of(found.family)
        if len(data) > most:
            raise too_many_bytes(most)
        if len(data) <= _INLINE_DIGEST_BYTES:
            digest = hashlib.sha256(data)
        else:
            digest = await asyncio.to_thread(hashlib.sha256, data)
        return MediaFile(data, found, digest.hexdigest())

    async def _fetch(self, wish: "_Wish") -> MediaFile:
        seconds = self._limits.picture_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise _overloaded() from None
        try:
            async with asyncio.timeout(seconds) as clock:
                return await self._follow(wish, clock)
        except TimeoutError:
            raise MediaRefused(MediaRefusal.FETCH_TIMED_OUT) from None
        finally:
            self._places.release()

    async def _follow(self, wish: "_Wish", clock: asyncio.Timeout) -> MediaFile:
        url, may_be_internal = wish.url, True
        for _ in range(self._limits.max_redirects + 1):
            host = host_of(url)
            # A public host may not redirect into the operator's network, whatever is named.
            is_internal = may_be_internal and host in wish.internal_hosts
            async with self._places_per_host.taken(host):
                answer = await self._ask(url, wish.families, clock, is_internal=is_internal)
            if isinstance(answer, MediaFile):
                return answer
            url, may_be_internal = location_of(answer, url), is_internal
        raise MediaRefused(MediaRefusal.TOO_MANY_REDIRECTS, maximum=str(self._limits.max_redirects))

    async def _ask(
        self,
        url: httpx2.URL,
        families: frozenset[MediaFamily],
        clock: asyncio.Timeout,
        *,
        is_internal: bool,
    ) -> MediaFile | str:
        """Return the file, or the address that the host redirects to."""
        request = httpx2.Request(
            "GET",
            url,
            headers={
                "Accept": _accepted(families),
                "Accept-Encoding": "identity",
                "User-Agent": self._user_agent,
            },
            extensions={INTERNAL: is_internal},
        )
        with _as_refusals(MediaRefusal.RESPONSE_MALFORMED, MediaRefusal.CONNECTION_FAILED):
            response = await self._transport.handle_async_request(request)
        try:
            if response.status_code in _REDIRECTS:
                return _target_of(response)
            _check_head(response)
            with _as_refusals(MediaRefusal.BODY_INCOMPLETE, MediaRefusal.BODY_INCOMPLETE):
                return await self._received(response, families, clock)
        finally:
            await response.aclose()

    async def _received(
        self, response: httpx2.Response, families: frozenset[MediaFamily], clock: asyncio.Timeout
    ) -> MediaFile:
        """Return the body, refused as soon as its size or its first bytes say so."""
        announced = int(response.headers.get("content-length", "0"))
        most = max(map(self._limits.bytes_of, families))
        if announced > most:
            raise too_many_bytes(most)
        body, digest, size, found = BytesIO(), hashlib.sha256(), 0, None
        try:
            async for part in _body_of(response):
                size += len(part)
                self._bytes_in_flight += len(part)
                body.write(part)
                digest.update(part)
                if found is None and size >= SIGNATURE_BYTES:
                    found = _admitted(body.getvalue()[:SIGNATURE_BYTES], families)
                    most = self._limits.bytes_of(found.family)
                    self._grant_time(found.family, clock)
                if max(size, announced) > most:
                    raise too_many_bytes(most)
                if self._bytes_in_flight > self._limits.max_bytes_in_flight:
                    raise _overloaded()
        finally:
            self._bytes_in_flight -= size
        data = body.getvalue()  # shares the buffer: nothing is held twice
        return MediaFile(data, found or _admitted(data, families), digest.hexdigest())

    def _grant_time(self, family: MediaFamily, clock: asyncio.Timeout) -> None:
        until = clock.when()
        if family is not MediaFamily.PICTURE and until is not None:
            limits = self._limits
            clock.reschedule(until + limits.video_seconds - limits.picture_seconds)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a caller asks for; callers with equal wishes share one fetch."""

    url: httpx2.URL
    families: frozenset[MediaFamily]
    internal_hosts: frozenset[str]


def _admitted(head: bytes, families: frozenset[MediaFamily]) -> MediaFormat:
    found = format_of(head)
    if found is None or found.family not in families:
        raise MediaRefused(MediaRefusal.FORMAT_NOT_SUPPORTED, detected=described(head))
    return found


def _accepted(families: frozenset[MediaFamily]) -> str:
    named = [entry.media_type for entry in MediaFormat if entry.family in families]
    return ", ".join([*named, "*/*;q=0.1"])


def _target_of(response: httpx2.Response) -> str:
    target = response.headers.get("location", "")
    if not target:
        raise MediaRefused(MediaRefusal.REDIRECT_WITHOUT_TARGET)
    return target


def _check_head(response: httpx2.Response) -> None:
    if response.status_code != _OK:
        raise MediaRefused(MediaRefusal.HTTP_STATUS, http_status=str(response.status_code))
    if response.headers.get("content-encoding", "identity").strip().lower() not in _PLAIN:
        raise MediaRefused(MediaRefusal.BODY_ENCODED)


def _body_of(response: httpx2.Response) -> AsyncIterable[bytes]:
    """Return the body as it came, which ``Response`` itself would decode."""
    if not isinstance(response.stream, AsyncIterable):
        raise TypeError("the transport answers with an asynchronous body")
    return response.stream


@contextmanager
def _as_refusals(malformed: MediaRefusal, broken: MediaRefusal) -> Iterator[None]:
    """Turn the transport's errors into refusals, two of which depend on what was going on."""
    try:
        yield
    except httpx2.TransportError as error:
        known = (
            (AddressNotAllowed, MediaRefusal.ADDRESS_NOT_PUBLIC),
            (NameNotResolved, MediaRefusal.NAME_NOT_RESOLVED),
            (TlsNotTrusted, MediaRefusal.TLS_FAILED),
            (httpx2.ProtocolError, malformed),
        )
        refusals = (refusal for kind, refusal in known if isinstance(error, kind))
        # The error's text may hold an address.
        raise MediaRefused(next(refusals, broken)) from None


def _overloaded() -> ResourceExhausted:
    return ResourceExhausted(
        ErrorReason.SERVER_OVERLOADED,
        "too many files are being fetched",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )

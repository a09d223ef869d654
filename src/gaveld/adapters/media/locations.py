"""Reads addresses of files: what may be asked for at all, before any name is looked up."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

import httpx2

from gaveld.domain.media import MediaRefusal, MediaRefused

MAX_URI_CHARACTERS: Final = 2_048
"""The contract's limit for an address; a data address holds the file itself and may be longer."""

_ODD: Final = re.compile(r"[\x00-\x20\x7f\\]")
_DATA: Final = re.compile(r"data:(?P<type>[^,]{0,256}),", re.IGNORECASE)
_FIRST_FREE_PORT: Final = 1024
_LAST_PORT: Final = 65_535
_WEB_PORTS: Final = frozenset({80, 443})


def is_data_uri(uri: str) -> bool:
    """Whether an address holds the file itself."""
    return uri[:5].lower() == "data:"


def data_of(uri: str, max_bytes: int) -> bytes:
    """Return the file that a data address holds, base64 or percent-encoded; its type is ignored.

    Raises ``MediaRefused`` for one that can't be read, or could hold more than ``max_bytes``.
    """
    head = _DATA.match(uri)
    if head is None:
        raise MediaRefused(MediaRefusal.ADDRESS_MALFORMED)
    body = uri[head.end() :]
    if len(body) > 3 * max_bytes + 4:  # the wordiest encoding of so many bytes
        raise too_many_bytes(max_bytes)
    try:
        if not head["type"].lower().endswith(";base64"):
            return unquote_to_bytes(body)
        if "%" in body:
            body = unquote_to_bytes(body).decode("ascii")
        return base64.b64decode(body, validate=True)
    except (UnicodeError, binascii.Error, ValueError):
        raise MediaRefused(MediaRefusal.ADDRESS_MALFORMED) from None


def location_of(uri: str, base: httpx2.URL | None = None) -> httpx2.URL:
    """Return the address to ask for, resolved against the one that redirected to it.

    Raises ``MediaRefused`` for anything but http and https without credentials, on port 80 or 443
    or one that is nobody's (1024 and above).
    """
    if len(uri) > MAX_URI_CHARACTERS or _ODD.search(uri):
        raise MediaRefused(MediaRefusal.ADDRESS_MALFORMED)
    try:
        url = httpx2.URL(uri) if base is None else base.join(uri)
    except (httpx2.InvalidURL, ValueError):
        raise MediaRefused(MediaRefusal.ADDRESS_MALFORMED) from None
    if url.scheme not in {"http", "https"}:
        raise MediaRefused(MediaRefusal.SCHEME_NOT_ALLOWED)
    if not url.host or (url.port or 0) > _LAST_PORT:
        raise MediaRefused(MediaRefusal.ADDRESS_MALFORMED)
    if url.userinfo:
        raise MediaRefused(MediaRefusal.CREDENTIALS_IN_ADDRESS)
    if url.port is not None and url.port < _FIRST_FREE_PORT and url.port not in _WEB_PORTS:
        raise MediaRefused(MediaRefusal.PORT_NOT_ALLOWED)
    return url


def host_of(url: httpx2.URL) -> str:
    """Return the host as policies name it: lower case, without the dot that ends a full name."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def too_many_bytes(max_bytes: int) -> MediaRefused:
    """Return the refusal of a file that is larger than so many bytes."""
    return MediaRefused(MediaRefusal.TOO_MANY_BYTES, limit="bytes", maximum=str(max_bytes))

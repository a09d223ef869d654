"""Reads addresses of files: the file itself where an address holds it, and where else to ask."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

import httpx2

from gaveld.adapters.web.guard import locations
from gaveld.adapters.web.guard.locations import LocationRefused
from gaveld.domain.media import MediaRefusal, MediaRefused

_DATA: Final = re.compile(r"data:(?P<type>[^,]{0,256}),", re.IGNORECASE)


def is_data_uri(uri: str) -> bool:
    """Whether an address holds the file itself; it may be longer than others."""
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
    """Return the address to ask for; see ``guard.locations``, with ``MediaRefused`` instead."""
    try:
        return locations.location_of(uri, base)
    except LocationRefused as refused:
        raise MediaRefused(MediaRefusal[refused.fault.name]) from None


def too_many_bytes(max_bytes: int) -> MediaRefused:
    """Return the refusal of a file that is larger than so many bytes."""
    return MediaRefused(MediaRefusal.TOO_MANY_BYTES, limit="bytes", maximum=str(max_bytes))

"""Reads the addresses that callers name: what may be asked for at all, before any look-up."""

import re
from enum import StrEnum
from typing import Final

import httpx2

MAX_URI_CHARACTERS: Final = 2_048
"""The contract's limit for an address."""

_ODD: Final = re.compile(r"[\x00-\x20\x7f\\]")
_FIRST_FREE_PORT: Final = 1024
_LAST_PORT: Final = 65_535
_WEB_PORTS: Final = frozenset({80, 443})


class LocationFault(StrEnum):
    """Why nothing is ever asked for at an address."""

    ADDRESS_MALFORMED = "address_malformed"
    SCHEME_NOT_ALLOWED = "scheme_not_allowed"
    CREDENTIALS_IN_ADDRESS = "credentials_in_address"
    PORT_NOT_ALLOWED = "port_not_allowed"


class LocationRefused(Exception):  # noqa: N818 - as the refusals of files
    """An address is none that may be asked for."""

    def __init__(self, fault: LocationFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def location_of(uri: str, base: httpx2.URL | None = None) -> httpx2.URL:
    """Return the address to ask for, resolved against the one that redirected to it.

    Raises ``LocationRefused`` for anything but http and https without credentials, on port 80 or
    443 or one that is nobody's (1024 and above).
    """
    if len(uri) > MAX_URI_CHARACTERS or _ODD.search(uri):
        raise LocationRefused(LocationFault.ADDRESS_MALFORMED)
    try:
        url = httpx2.URL(uri) if base is None else base.join(uri)
    except (httpx2.InvalidURL, ValueError):
        raise LocationRefused(LocationFault.ADDRESS_MALFORMED) from None
    if url.scheme not in {"http", "https"}:
        raise LocationRefused(LocationFault.SCHEME_NOT_ALLOWED)
    if not url.host or (url.port or 0) > _LAST_PORT:
        raise LocationRefused(LocationFault.ADDRESS_MALFORMED)
    if url.userinfo:
        raise LocationRefused(LocationFault.CREDENTIALS_IN_ADDRESS)
    if url.port is not None and url.port < _FIRST_FREE_PORT and url.port not in _WEB_PORTS:
        raise LocationRefused(LocationFault.PORT_NOT_ALLOWED)
    return url


def host_of(url: httpx2.URL) -> str:
    """Return the host as policies name it: lower case, without the dot that ends a full name."""
    return url.raw_host.decode("ascii").lower().rstrip(".")

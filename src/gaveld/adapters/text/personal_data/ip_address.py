"""Finds IP addresses that may name somebody's line or machine, and leaves version numbers be."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.scanning import Hit

PUBLIC: Final = 0.9
PRIVATE: Final = 0.6
LIKE_A_VERSION: Final = 0.4
"""Four single digits: an address by its form, and as often a version or a section."""

_IPV4: Final = re.compile(
    r"(?<![\w.-])(?<!::)(?<!:[0-9A-Fa-f]{4}:)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9])"
)
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f.:]*+(?!\w)")
_IPV6_SHORTEST, _IPV6_LONGEST = 4, 45
_IPV6_FEWEST_COLONS: Final = 2
_VERSION: Final = re.compile(
    r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\bfirmware|\bdriver|\bsection|\bchapter|\barticle"
    r"|\brevision|\bupdate|\bpatch|\bclause|\bos|§)[.:]?\s?\Z",
    re.IGNORECASE,
)
_VERSION_CHARACTERS: Final = 12


def find(text: str) -> Iterator[Hit]:
    """Yield the IP addresses in a text; loopback, unspecified and broadcast ones name nobody."""
    if "." in text:
        for match in _IPV4.finditer(text):
            if _VERSION.search(text[max(0, match.start() - _VERSION_CHARACTERS) : match.start()]):
                continue
            yield from _judge(match[0], match.start())
    if "::" in text or text.count(":") > _IPV6_FEWEST_COLONS:
        for match in _IPV6.finditer(text):
            candidate = match[0].rstrip(".:") if not match[0].endswith("::") else match[0]
            if _is_like_ipv6(candidate):
                yield from _judge(candidate, match.start())


def _is_like_ipv6(candidate: str) -> bool:
    """Weed out times, and names of C++ that happen to be hexadecimal."""
    return (
        _IPV6_SHORTEST <= len(candidate) <= _IPV6_LONGEST
        and candidate.count(":") >= _IPV6_FEWEST_COLONS
        and any(map(str.isdecimal, candidate))
    )


def _judge(candidate: str, start: int) -> Iterator[Hit]:
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return
    if address.version == 4 and candidate.startswith(("0.", "255.255.")):  # noqa: PLR2004
        return
    if len(candidate) == len("1.1.1.1"):
        score = LIKE_A_VERSION
    else:
        score = PRIVATE if address.is_private else PUBLIC
    yield Hit(start, start + len(candidate), "P1", score, "An IP address.")

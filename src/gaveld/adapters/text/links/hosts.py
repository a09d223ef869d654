"""Reads host names as browsers do: IDNA, IP addresses in every notation, registrable domains.

The public suffixes come from the list in publicsuffixlist's wheel; nothing is looked up.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Final, NamedTuple

from publicsuffixlist import PublicSuffixList

_LONGEST_HOST: Final = 253
_LONGEST_LABEL: Final = 63
_IPV4_PARTS: Final = 4
_LABEL: Final = re.compile(r"\w[\w-]*")
_AROUND_HOST: Final = re.compile(r"\A[a-z][a-z0-9+.-]*://(?:[^/@]*@)?|(?::\d*)?(?:[/?#].*)?\Z")
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61", "...")

_LOCAL_NETWORKS: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


class IpHost(NamedTuple):
    """A host that is an IP address; ``is_plain`` when it is written in the usual notation."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    is_plain: bool

    @property
    def is_local(self) -> bool:
        """Whether the address leads no further than the reader's own machine or network."""
        is_near = self.address.is_loopback or self.address.is_link_local
        return is_near or any(self.address in network for network in _LOCAL_NETWORKS)


def canonical(host: str) -> str:
    """Return a host in lower case and compatibility form, as IDNA maps it, without a last dot."""
    if host.isascii():
        return host.lower().removesuffix(".")
    plain = unicodedata.normalize("NFKC", host).translate(_DOTS).lower()
    return plain.replace("\u00ad", "").replace("\u200b", "").removesuffix(".")


def ascii_form(host: str) -> str:
    """Return a canonical host in punycode, or as it is if it has no such form."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def unicode_labels(host: str) -> list[str]:
    """Return the labels of a canonical host, punycode decoded where it can be."""
    return [_decoded(label) for label in host.split(".")]


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[len("xn--") :].encode("ascii").decode("punycode").lower()
    except UnicodeError:
        return label


def is_name(host: str) -> bool:
    """Whether a canonical host is a name by its form; nothing is said of whether it exists."""
    labels = host.split(".")
    return len(host) <= _LONGEST_HOST and all(
        len(label) <= _LONGEST_LABEL and _LABEL.fullmatch(label) for label in labels
    )


def registrable_domain(host: str) -> str:
    """Return the part of a canonical host that somebody registered, or "" if there is none."""
    return _suffixes().privatesuffix(host, accept_unknown=False) or "" if is_name(host) else ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def ip_host(host: str) -> IpHost | None:
    """Return the IP address that a browser would go to for a canonical host, if it is one."""
    if host.startswith("["):
        return _ipv6_host(host)
    parts = host.split(".")
    if len(parts) > _IPV4_PARTS:
        return None
    numbers = [_number(part) for part in parts]
    value = 0
    for index, number in enumerate(numbers):
        is_last = index == len(numbers) - 1
        limit = 256 ** (_IPV4_PARTS - index) if is_last else 256
        if number is None or number >= limit:
            return None
        value += number if is_last else number << (8 * (_IPV4_PARTS - 1 - index))
    address = ipaddress.IPv4Address(value)
    return IpHost(address, is_plain=str(address) == host)


def _ipv6_host(host: str) -> IpHost | None:
    try:
        address = ipaddress.IPv6Address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        return IpHost(address.ipv4_mapped, is_plain=False)
    return IpHost(address, is_plain=True)


def _number(part: str) -> int | None:
    """Read a number as the C library's ``inet_aton`` does: decimal, octal or hexadecimal."""
    if not part.isascii() or len(part) > _LONGEST_LABEL:
        return None
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16)
        if not part.isdigit():
            return None
        return int(part, 8) if part[0] == "0" else int(part)
    except ValueError:
        return None


def listed_domain(entry: str) -> str:
    """Return a domain or IP address of an operator's list in its one spelling.

    That is lower case, punycode, and nothing before it: "*.Bad.example" is "bad.example". Raises
    ``ValueError`` for anything else, such as a URL, which would never match a host.
    """
    with suppress(ValueError):
        return str(ipaddress.ip_address(entry.strip().strip("[]")))
    domain = _as_listed(entry)
    if is_name(domain) and not ip_host(domain):
        return domain
    host = _as_listed(_AROUND_HOST.sub("", entry.strip()))
    address = ip_host(host)
    meant = str(address.address) if address else host if is_name(host) else ""
    hint = f"; write {meant!r}" if meant else ""
    raise ValueError(f"{entry!r} is no domain{hint}")


def _as_listed(entry: str) -> str:
    return ascii_form(canonical(entry.strip().removeprefix("*").strip(".")))


class DomainSet:
    """Domains with all their subdomains, and IP addresses, as an operator lists them."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._domains = frozenset(map(_as_listed, entries))

    def holds(self, name: str) -> bool:
        """Whether a host, canonical and in ASCII form, or a domain above it is in the set.

        An IP address is given in its usual notation.
        """
        while name and self._domains:
            if name in self._domains:
                return True
            name = name.partition(".")[2]
        return False

"""Says of an IP address whether it is public, the operator's own network, or never to be reached.

It decides by explicit ranges on the address itself, after taking every IPv4 address out of the
IPv6 forms that carry one; the standard library's ``is_global`` is wrong about several of them.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final


class Reach(IntEnum):
    """Where an address lies; the least of several counts."""

    NEVER = 0
    INTERNAL = 1
    PUBLIC = 2


def _networks(*texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)


_INTERNAL: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared address space of carriers
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",  # unique local
)
_METADATA: Final = _networks(
    # Clouds answer with a machine's credentials here. 169.254.0.0/16 is below.
    "100.100.100.200/32",
    "168.63.129.16/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)
_NEVER: Final = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local
    "192.0.0.0/24",
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved and broadcast
    # Of IPv6 only 2000::/3 is given out; these are all the rest.
    "::/3",
    "4000::/2",
    "8000::/1",
    # And of 2000::/3 these are special.
    "2001::/23",  # Teredo, benchmarks, ORCHID
    "2001:db8::/32",
    "3fff::/20",  # documentation
)
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_LAST_32: Final = 0xFFFF_FFFF


def reach_of(address: str) -> Reach:
    """Return where an IP address lies, however it is written; ``NEVER`` for what is none.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) lies where that one does. One that
    merely carries some (compatible, 6to4, Teredo, ISATAP) lies no nearer than any of them.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return Reach.NEVER
    if isinstance(parsed, IPv4Address):
        return _own_reach(parsed)
    if parsed in _MAPPED or parsed in _NAT64:
        return _own_reach(_last(parsed))
    return min(_own_reach(parsed), *map(_own_reach, _carried(parsed)), Reach.PUBLIC)


def least_reach(addresses: Iterable[str]) -> Reach:
    """Return the least of where some addresses lie: one bad answer spoils the rest."""
    return min((reach_of(address) for address in addresses), default=Reach.NEVER)


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield every IPv4 address inside an IPv6 address that does not stand for it."""
    number = int(address)
    if (address in _COMPATIBLE and number > 1) or address in _TRANSLATED:
        yield _last(address)
    if address in _6TO4:
        yield IPv4Address(number >> 80 & _LAST_32)
    if address in _TEREDO:
        yield IPv4Address(number >> 64 & _LAST_32)
        yield IPv4Address(~number & _LAST_32)
    if number >> 32 & _LAST_32 in _ISATAP:
        yield _last(address)


def _last(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & _LAST_32)


def _own_reach(address: IPv4Address | IPv6Address) -> Reach:
    if _within(address, _METADATA):
        return Reach.NEVER
    if _within(address, _INTERNAL):
        return Reach.INTERNAL
    return Reach.NEVER if _within(address, _NEVER) else Reach.PUBLIC


def _within(
    address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]
) -> bool:
    return any(address in network for network in networks)

"""Which addresses may be reached, in every way in which they can be written."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.web.guard.addresses import Reach, least_reach, reach_of

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "100.63.255.255", "172.32.0.1", "192.0.1.1"]
PUBLIC_6 = ["2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888"]
INTERNAL = ["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255"]
INTERNAL += ["192.168.1.1", "100.64.0.1", "100.127.255.255"]
INTERNAL_6 = ["::1", "fc00::1", "fd12:3456::1"]
NEVER = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "224.0.0.1", "239.1.1.1"]
NEVER += ["240.0.0.1", "255.255.255.255", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7"]
NEVER += ["203.0.113.9", "192.88.99.1", "168.63.129.16", "100.100.100.200"]
NEVER_6 = [
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
]
NEVER_6 += ["2001::1", "2001:10::1", "2001:20::1", "3fff::1", "5f00::1", "64:ff9b:1::1", "4000::1"]
NEVER_6 += ["fd00:ec2::254", "8000::", "0:0:0:1::1"]


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_6)
def test_public(address: str):
    """Law: what the internet routes is public."""
    assert reach_of(address) is Reach.PUBLIC


@pytest.mark.parametrize("address", INTERNAL + INTERNAL_6)
def test_internal(address: str):
    """Law: private ranges and this machine are internal, for whoever names a host there."""
    assert reach_of(address) is Reach.INTERNAL


@pytest.mark.parametrize("address", NEVER + NEVER_6)
def test_never(address: str):
    """Law: link-local, clouds' metadata, multicast and reserved ranges are for nobody."""
    assert reach_of(address) is Reach.NEVER


def mapped(number: int) -> int:
    return 0xFFFF << 32 | number


def nat64(number: int) -> int:
    return 0x64_FF9B << 96 | number


STANDS_FOR = {"mapped": mapped, "NAT64": nat64}
CARRIES = {
    "compatible": lambda number: number,
    "translated": lambda number: 0xFFFF << 48 | number,
    "6to4": lambda number: 0x2002 << 112 | number << 80,
    "Teredo server": lambda number: 0x2001_0000 << 96 | number << 64 | 0xFFFF_FFFF ^ 0x0808_0808,
    "Teredo client": lambda number: 0x2001_0000 << 96 | 0x0808_0808 << 64 | 0xFFFF_FFFF ^ number,
    "ISATAP": lambda number: 0x2606_4700 << 96 | 0x5EFE << 32 | number,
    "ISATAP of a public interface": lambda number: 0x2606_4700 << 96 | 0x0200_5EFE << 32 | number,
}


@pytest.mark.parametrize("form", STANDS_FOR)
@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_forms_that_stand_for_an_ipv4_address(form: str, address: ipaddress.IPv4Address):
    """Law: a mapped or translated address lies exactly where the IPv4 address does."""
    written = ipaddress.IPv6Address(STANDS_FOR[form](int(address)))
    assert reach_of(str(written)) is reach_of(str(address))
    assert reach_of(written.exploded) is reach_of(str(address))


@pytest.mark.parametrize("form", CARRIES)
@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_forms_that_carry_an_ipv4_address(form: str, address: ipaddress.IPv4Address):
    """Law: whatever carries an address that is not public is not public."""
    carried = ipaddress.IPv6Address(CARRIES[form](int(address)))
    assert reach_of(str(carried)) <= reach_of(str(address))


@settings(deadline=None)
@given(st.ip_addresses(v=6))
def test_only_given_out_addresses_are_public(address: ipaddress.IPv6Address):
    """Law: beyond 2000::/3 nothing is public but what stands for a public IPv4 address."""
    if reach_of(str(address)) is Reach.PUBLIC and int(address) >> 125 != 1:
        assert int(address) >> 32 in {0xFFFF, 0x64_FF9B << 64}


@settings(deadline=None)
@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(address):
    """Law: the explicit ranges leave out none of those that the standard library knows.

    It calls every address that stands for an IPv4 address private; those lie where that does.
    """
    if address.is_private or address.is_multicast or address.is_reserved:
        stands_for_ipv4 = int(address) >> 32 in {0xFFFF, 0x64_FF9B << 64}
        assert reach_of(str(address)) is not Reach.PUBLIC or stands_for_ipv4


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "::g"])
def test_what_is_no_address_is_never_reached(text: str):
    """Law: only what the resolver gave, in its plain form, is an address."""
    assert reach_of(text) is Reach.NEVER


def test_one_bad_address_spoils_the_rest():
    """Law: a host is as near as the nearest of its addresses, and one without any is nowhere."""
    assert least_reach(["8.8.8.8", "127.0.0.1", "1.1.1.1"]) is Reach.INTERNAL
    assert least_reach(["8.8.8.8", "10.0.0.1", "169.254.169.254"]) is Reach.NEVER
    assert least_reach(["8.8.8.8", "2606:4700::1111"]) is Reach.PUBLIC
    assert least_reach([]) is Reach.NEVER

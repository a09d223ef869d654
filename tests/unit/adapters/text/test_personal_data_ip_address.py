"""The detector of IP addresses."""

import pytest

from gaveld.adapters.text.personal_data import ip_address
from tests.unit.adapters.text.detections import found, unmark

ADDRESSES = [
    "from ⟦93.184.216.34⟧.",
    "⟦93.184.216.34⟧:8080 and ⟦10.0.0.0⟧/24",
    "[⟦192.168.178.23⟧]",
    "⟦8.8.8.8⟧, twice: ⟦8.8.8.8⟧",
    "⟦2001:db8::8a2e:370:7334⟧",
    "[⟦2606:4700:4700::1111⟧]:443",
    "⟦fe80::1ff:fe23:4567:890a⟧ is here",
    "seen at ⟦::ffff:93.184.216.34⟧",
]
OTHERS = [
    "version 1.2.3.4",
    "v10.0.19.45 of the driver",
    "Release: 4.18.2.1",
    "section 3.1.4.1 and § 2.4.1.12",
    "256.1.1.1 or 93.184.216.340",
    "1.2.3.4.5",
    "1.2.3",
    "093.184.216.034",
    "127.0.0.1, 0.0.0.0, 255.255.255.0, 224.0.0.1",
    "::1 and ::",
    "at 12:30:45",
    "std::vector, dead::beef, a::b",
    "aa:bb:cc:dd:ee:ff",
    "Genesis 1:2:3",
    ":::::: 1::2::3",
]


@pytest.mark.parametrize("marked", ADDRESSES)
def test_addresses_are_found(marked: str):
    """Law: an address that may be somebody's is found whole, without port or prefix length."""
    text, expected = unmark(marked)
    assert found(ip_address.find, text) == expected


@pytest.mark.parametrize("text", OTHERS)
def test_versions_times_and_nobodys_addresses_are_left_alone(text: str):
    """Law: versions, sections, times, C++ names and addresses of no one are no findings."""
    assert found(ip_address.find, text) == []


def test_a_public_address_weighs_more_than_a_private_one():
    """Law: the better an address names a line, the higher its score."""
    scores = [
        next(iter(ip_address.find(text))).score
        for text in ("93.184.216.34", "192.168.178.23", "1.2.3.4")
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3

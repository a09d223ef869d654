"""Where links are, and what their parts are."""

import pytest

from gaveld.adapters.text.links.extraction import Link, extract
from gaveld.adapters.text.links.hosts import ip_host, registrable_domain
from gaveld.adapters.text.links.refang import refang
from tests.unit.adapters.text.detections import unmark

PLACES = [
    "(⟦https://example.com/a⟧)",
    "(see ⟦https://en.wikipedia.org/wiki/A_(b)⟧).",
    "<⟦https://example.com⟧>, \u201c⟦example.org/x⟧\u201d",
    "⟦example.com⟧? ⟦example.org/⟧! ⟦EXAMPLE.NET⟧…",
    "[text](⟦https://example.com/a⟧)",
    "⟦https://example.com/?q=a,b;c:d⟧;",
    "⟦http:/example.com⟧ and ⟦http:\\\\example.com⟧",
    "the end.⟦https://example.com⟧",
    "⟦example。com⟧",
    "email bob@example.com",
    "no link: http://, http://-./, :// and https:",
    "⟦http://localhost:8080/⟧ and ⟦https://wiki.corp/a⟧",
    "/usr/lib/example.com and ../example.com",
    "... .com com. .",
]


@pytest.mark.parametrize("marked", PLACES)
def test_a_link_ends_where_its_sentence_goes_on(marked: str):
    """Law: punctuation around a link is not part of it, and punctuation of its own is."""
    text, expected = unmark(marked)
    assert [text[link.start : link.end] for link in extract(text)] == expected


def test_the_parts_of_a_link_are_told_apart():
    """Law: the host is what a browser would ask for, whatever stands before it."""
    [link] = extract("HTTPS://user:pw@Ex\u00c4mple.COM.:8080/Path?q#f")
    assert link == Link(0, 42, "https", "ex\u00e4mple.com", "/Path?q#f", has_user_info=True)


@pytest.mark.parametrize(
    ("text", "is_sure"),
    [
        ("example.com", True),
        ("www.example.so", True),
        ("example.so/path", True),
        ("ok.so", False),
        ("main.rs", False),
        ("3.14", False),
        ("wiki.corp", False),
        ("end.Online", False),
        ("EXAMPLE.COM", True),
        ("почта.рф", True),
    ],
)
def test_a_bare_name_is_sure_when_it_can_be_nothing_else(text: str, is_sure: bool):
    """Law: a file's name or two sentences without a space are not surely a link."""
    assert [link.is_sure for link in extract(text)] == [is_sure]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("0x5d.0xb8.0xd8.0x22", "93.184.216.34"),
        ("0135.0270.0330.042", "93.184.216.34"),
        ("1572395042", "93.184.216.34"),
        ("93.184.55330", "93.184.216.34"),
        ("0", "0.0.0.0"),
        ("[::1]", "::1"),
        ("[::ffff:93.184.216.34]", "93.184.216.34"),
        ("256.1.1.1", None),
        ("1.2.3.4.5", None),
        ("4294967296", None),
        ("09.1.1.1", None),
        ("example.com", None),
        ("[::1", "::1"),
        ("[zz]", None),
        ("1..1", None),
        ("\u0663.1.1.1", None),
        ("", None),
    ],
)
def test_addresses_are_read_in_every_notation(host: str, address: str | None):
    """Law: decimal, octal, hexadecimal and short forms lead where a browser would go."""
    read = ip_host(host)
    assert (str(read.address) if read else None) == address


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.com", "example.com"),
        ("co.uk", ""),
        ("example.nosuchtld", ""),
        ("a" * 64 + ".com", ""),
        ("a." * 127 + "com", ""),
        ("", ""),
    ],
)
def test_the_registrable_domain_is_what_somebody_registered(host: str, registrable: str):
    """Law: the public-suffix list decides, and names that cannot exist have none."""
    assert registrable_domain(host) == registrable


def test_refanging_keeps_the_way_back():
    """Law: every character of the plain reading leads to what it was read from."""
    text = "see hxxp://a[.]example dot com, ok"
    plain = refang(text)
    assert plain is not None
    assert plain.reading.text == "see http://a.example.com, ok"
    start = plain.reading.text.index("http")
    span = plain.reading.original(start, plain.reading.text.index(","))
    assert text[slice(*span)] == "hxxp://a[.]example dot com"
    assert plain.is_hidden(start, start + 4)
    assert not plain.is_hidden(0, 4)


@pytest.mark.parametrize("text", ["plain https://example.com", "the dot com era", "a [b] (c) x"])
def test_a_text_that_hides_nothing_has_no_second_reading(text: str):
    """Law: refanging changes nothing in an ordinary text."""
    assert refang(text) is None

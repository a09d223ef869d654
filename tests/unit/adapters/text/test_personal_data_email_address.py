"""The detector of e-mail addresses."""

import pytest

from gaveld.adapters.text.personal_data import email_address
from tests.unit.adapters.text.detections import found, unmark

ADDRESSES = [
    "Write to ⟦bob@example.com⟧.",
    "⟦first.last+tag@mail.example.co.uk⟧ and ⟦x_1@sub-domain.example.org⟧",
    "(⟦o'brien@example.ie⟧), <⟦a%b@example.com⟧>",
    "mailto:⟦BOB.SMITH@EXAMPLE.COM⟧?subject=hi",
    "e-mail:⟦jos\u00e9@ma\u00f1ana.example⟧",
    "⟦info@xn--mgbh0fb.xn--kgbechtv⟧",
    "a@b@⟦c@example.com⟧",
    "⟦jane (at) example (dot) com⟧ please",
    "⟦jane.doe[at]example[dot]co[dot]uk⟧",
    "⟦joe {at} example.org⟧",
    "⟦john(dot)doe(at)gmail(dot)com⟧",
    "write to ⟦someone at example dot com⟧, please",
    "⟦jane dot doe at mail dot example dot org⟧",
]
OTHERS = [
    "@bob, look at @alice's post",
    "5 apples @ 2.50 each",
    "user@localhost",
    "git clone git@github.com:someone/project.git",
    "npm install @scope/package@1.2.3",
    "icon@2x.png next to icon@3x.jpg",
    "what..@example.com",
    "https://bob:secret@host.example/path",
    "@@@@@@ @. .@ a@ @a a@a",
    "meet me (at) noon",
    "look at example dot com",
    "see you at the dot com",
    "we met at noon dot",
    "find us at example dot com",
    "x" * 65 + "@example.com",
]


@pytest.mark.parametrize("marked", ADDRESSES)
def test_addresses_are_found(marked: str):
    """Law: an e-mail address is found whole, and no more than it."""
    text, expected = unmark(marked)
    assert found(email_address.find, text) == expected


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("jane@example.com", email_address.PLAIN),
        ("john(dot)doe(at)gmail(dot)com", email_address.IN_BRACKETS),
        ("someone at example dot com", email_address.IN_WORDS),
        ("joe (at) example.org", email_address.SPELT_OUT),
    ],
)
def test_the_more_is_spelt_out_the_surer(text: str, score: float):
    """Law: who brackets the dot too means an address; a lone bracketed "at" may be anything."""
    [hit] = email_address.find(text)
    assert hit.score == score


@pytest.mark.parametrize("text", OTHERS)
def test_what_only_holds_an_at_sign_is_left_alone(text: str):
    """Law: handles, prices, file names and remote repositories are no e-mail addresses."""
    assert found(email_address.find, text) == []

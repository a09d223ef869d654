"""The detector of bank account numbers, on the examples that their registry publishes."""

import pytest

from gaveld.adapters.text.personal_data import iban
from tests.unit.adapters.text.detections import found, unmark

NUMBERS = [
    "to ⟦GB82 WEST 1234 5698 7654 32⟧ please",
    "⟦DE89370400440532013000⟧.",
    "IBAN:⟦FR14 2004 1010 0505 0001 3M02 606⟧",
    "⟦NL91-ABNA-0417-1643-00⟧",
    "⟦NO9386011117947⟧",
    "⟦MT84MALT011000012345MTLCAST001S⟧",
    "⟦gb82west12345698765432⟧",
    "⟦BE68539007547034⟧/⟦CH9300762011623852957⟧",
]
OTHERS = [
    "GB82 WEST 1234 5698 7654 33",
    "DE8937040044053201300",
    "DE893704004405320130000",
    "XX82 WEST 1234 5698 7654 32",
    "AGB82WEST12345698765432",
    "i married at 17 and how that turned out, dont even ask",
    "SN: FUK8-2271-ASS-04",
    "invoice DE12345",
]


@pytest.mark.parametrize("marked", NUMBERS)
def test_account_numbers_are_found(marked: str):
    """Law: a number of its country's length that leaves 1 by 97 is found whole."""
    text, expected = unmark(marked)
    assert found(iban.find, text) == expected


@pytest.mark.parametrize("text", OTHERS)
def test_other_codes_are_left_alone(text: str):
    """Law: a wrong digit, length or country, or words that happen to check out, are none."""
    assert found(iban.find, text) == []

"""The detector of payment-card numbers, on the numbers that the schemes publish for tests."""

import pytest

from gaveld.adapters.text.personal_data import payment_card
from tests.unit.adapters.text.detections import found, unmark

CARDS = [
    "my card is ⟦4111 1111 1111 1111⟧, 12/29, 123",
    "⟦4111111111111111⟧",
    "⟦4111-1111-1111-1111⟧ 12",
    "2024 ⟦4111 1111 1111 1111⟧",
    "⟦5555 5555 5555 4444⟧",
    "⟦2223 0031 2200 3222⟧",
    "⟦3782 822463 10005⟧ and ⟦378282246310005⟧",
    "⟦3056 930902 5904⟧",
    "⟦6011111111111117⟧",
    "⟦3530111333300000⟧",
    "⟦6200000000000005⟧",
    "⟦4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1⟧",
    "card:⟦4111111111111111⟧.",
]
OTHERS = [
    "4111 1111 1111 1112",
    "4111111111111112",
    "1234567812345670",
    "9999 9999 9999 9995",
    "978-3-16-148410-0",
    "0000 0000 0000 0000",
    "+4111111111111111",
    "0.4111111111111111",
    "4111111111111111.25",
    "a4111111111111111",
    "41111111111111110000000000",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "1 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "20240115123000123",
]


@pytest.mark.parametrize("marked", CARDS)
def test_cards_are_found(marked: str):
    """Law: a number with an issuer's prefix, its length and Luhn's sum is found whole."""
    text, expected = unmark(marked)
    assert found(payment_card.find, text) == expected


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_are_left_alone(text: str):
    """Law: a wrong sum, an unissued prefix or a longer number around it is no card."""
    assert found(payment_card.find, text) == []


def test_one_wrong_digit_is_always_noticed():
    """Law: Luhn's sum notices every change of one digit."""
    card = "4111111111111111"
    for place in range(1, len(card)):
        for digit in set("0123456789") - {card[place]}:
            assert found(payment_card.find, card[:place] + digit + card[place + 1 :]) == []

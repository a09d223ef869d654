"""The detector of phone numbers."""

import pytest

from gaveld.adapters.text.personal_data.phone_number import PhoneNumbers
from tests.unit.adapters.text.detections import found, unmark

NUMBERS = [
    "Ring me: ⟦+1 202 456 1111⟧.",
    "⟦+442079460958⟧",
    "⟦+49 (30) 901820⟧ or ⟦0049 30 901820⟧",
    "⟦+33 1 42 68 53 00⟧, ⟦+81-3-3580-3311⟧",
    "⟦(202) 456-1111⟧",
    "⟦202-456-1111⟧ / ⟦202-456-1414⟧",
    "fax ⟦202.456.1111⟧",
    "⟦1-800-275-2273⟧",
    "⟦202 456 1111⟧ ⟦202 456 1414⟧",
    "on 2024-01-15 ⟦202-456-1111⟧ answered",
    "⟦202-456-1111⟧,⟦202-456-1414⟧",
    "⟦+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨⟧",
]
OTHERS = [
    "2024561111",
    "order 2024561111 has shipped",
    "order 202-456-1111 has shipped",
    "ISBN 978-0-306-40615-7",
    "ISBN 0-306-40615-2",
    "from 2024-01-15 to 2024-02-20, or 15.01.2024",
    "at 12:30:45 on 01/15/2024 12:30",
    "that costs $1,234,567.89 or 2.345.678.901 lira",
    "52.520008, 13.404954",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "9e107d9d372bb6826bd81d3542a419d6",
    "192.168.100.200",
    "1700000000",
    "123-456-7890",
    "555-1234",
    "1 2 3 4 5 6 7 8 9 10",
    "4111 1111 1111 1111",
    "v2024.456.1111",
    "call 12345",
    "+1 202 456",
    "100200300 km and 20 456 1111",
    "2024561111%",
    "#2024561111",
    "id=202-456-1111",
]


@pytest.mark.parametrize("marked", NUMBERS)
def test_numbers_are_found(marked: str):
    """Law: a phone number is found if its country's plan has it and it is written like one."""
    text, expected = unmark(marked)
    assert found(PhoneNumbers(("US",)).find, text) == expected


@pytest.mark.parametrize("text", OTHERS)
def test_other_digits_are_left_alone(text: str):
    """Law: orders, books, dates, prices, coordinates and hashes are no phone numbers."""
    assert found(PhoneNumbers(("US",)).find, text) == []


def test_the_regions_say_which_national_numbers_count():
    """Law: a national number counts where it is dialled, and nowhere else."""
    text = "030 901820 and 202-456-1111"
    assert found(PhoneNumbers(("DE",)).find, text) == ["030 901820"]
    assert found(PhoneNumbers(("DE", "US")).find, text) == ["030 901820", "202-456-1111"]
    assert found(PhoneNumbers(()).find, text) == []


def test_dates_of_other_regions_stay_dates():
    """Law: eight digits that read as a date are one, wherever phone numbers may have eight."""
    text = "am 15.01.2024, 2024-01-15 und 15.01.2024 2024"
    assert found(PhoneNumbers(("DE", "NO", "DK")).find, text) == []


def test_an_unknown_region_is_refused_by_name():
    """Law: a setting that cannot work fails at once and says which part of it."""
    with pytest.raises(ValueError, match="'XQ'"):
        PhoneNumbers(("US", "XQ"))

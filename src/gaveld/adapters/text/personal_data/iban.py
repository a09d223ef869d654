"""Finds international bank account numbers: a country's length, and the remainder of ISO 7064."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from gaveld.adapters.text.scanning import Hit

CHECKED: Final = 0.98

# Characters of an IBAN by country, as the registry of ISO 13616 lists them.
_LENGTHS: Final = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    "RU": 33,
}

_START: Final = re.compile(r"(?<![^\W_])([A-Za-z]{2})[ -]?[0-9]{2}")
_PREFIX_CHARACTERS: Final = 4
_FEWEST_DIGITS: Final = 8


def find(text: str) -> Iterator[Hit]:
    """Yield the bank account numbers in a text."""
    for start in _START.finditer(text):
        length = _LENGTHS.get(start[1].upper())
        if length is None:
            continue
        rest = _rest(length - _PREFIX_CHARACTERS).match(text, start.end())
        if rest and _checks_out(start[0] + rest[0]):
            yield Hit(start.start(), rest.end(), "P1", CHECKED, "A bank account number (IBAN).")


@cache
def _rest(characters: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{characters}}}(?![A-Za-z0-9])")


def _checks_out(number: str) -> bool:
    """ISO 7064: move the first four to the end, read letters as 10 to 35, and 97 leaves 1."""
    plain = number.replace(" ", "").replace("-", "")
    if sum(map(str.isdigit, plain)) < _FEWEST_DIGITS:  # a sentence that happens to check out
        return False
    moved = plain[_PREFIX_CHARACTERS:] + plain[:_PREFIX_CHARACTERS]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1

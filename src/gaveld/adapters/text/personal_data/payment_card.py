"""Finds payment-card numbers: an issuer's prefix and length, written as cards are, and Luhn's sum.

The prefixes and lengths are the ones that the card schemes publish.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from gaveld.adapters.text.scanning import Hit

CHECKED: Final = 0.97

_NUMBER: Final = re.compile(
    r"(?<![\w+])(?<!\d[.,])"
    r"(?:\d{14,19}"
    r"|\d{4}([ .\-\u2010-\u2015\u00a0])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"
    r"|\d{4}([ .\-\u00a0])\d{6}\2\d{4,5}"
    r"|(?<!\d[ .\-])\d(?:[ .\-]\d){13,18}(?![ .\-]\d))"
    r"(?!\w|[.,]\d)"
)
_NEXT_GROUP: Final = re.compile(r"\d+")


class _Issuer(NamedTuple):
    """First and last prefix, of one length, and the numbers of digits a card may have."""

    first: int
    last: int
    lengths: frozenset[int]

    @property
    def width(self) -> int:
        """How many digits the prefixes have."""
        return len(str(self.first))


_SIXTEEN_UP: Final = frozenset({16, 17, 18, 19})
_ISSUERS: Final = (
    _Issuer(4, 4, frozenset({16, 18, 19})),  # Visa
    _Issuer(51, 55, frozenset({16})),  # Mastercard
    _Issuer(2221, 2720, frozenset({16})),  # Mastercard
    _Issuer(34, 34, frozenset({15})),  # American Express
    _Issuer(37, 37, frozenset({15})),  # American Express
    _Issuer(300, 305, frozenset({14, *_SIXTEEN_UP})),  # Diners Club
    _Issuer(36, 36, frozenset({14, *_SIXTEEN_UP})),  # Diners Club
    _Issuer(38, 39, frozenset({14, *_SIXTEEN_UP})),  # Diners Club
    _Issuer(6011, 6011, _SIXTEEN_UP),  # Discover
    _Issuer(644, 649, _SIXTEEN_UP),  # Discover
    _Issuer(65, 65, _SIXTEEN_UP),  # Discover
    _Issuer(3528, 3589, _SIXTEEN_UP),  # JCB
    _Issuer(62, 62, _SIXTEEN_UP),  # UnionPay
    _Issuer(2200, 2204, _SIXTEEN_UP),  # Mir
    _Issuer(6304, 6304, _SIXTEEN_UP),  # Maestro
    _Issuer(6759, 6763, _SIXTEEN_UP),  # Maestro
)
_BY_FIRST_DIGIT: Final = {
    digit: [issuer for issuer in _ISSUERS if str(issuer.first)[0] == str(digit)]
    for digit in range(10)
}

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""The sum of the digits of each digit's double."""


def find(text: str) -> Iterator[Hit]:
    """Yield the payment-card numbers in a text."""
    number = _NUMBER.search(text)
    while number:
        digits = [int(c) for c in number[0] if c.isdecimal()]
        if _has_issuer(digits) and _sums_up(digits):
            yield Hit(number.start(), number.end(), "P1", CHECKED, "A payment-card number.")
            number = _NUMBER.search(text, number.end())
        else:
            # A year or a count may stand before the card: look again from the next group on.
            group = _NEXT_GROUP.match(text, number.start())
            number = _NUMBER.search(text, group.end() if group else number.end())


def _has_issuer(digits: list[int]) -> bool:
    return any(
        len(digits) in issuer.lengths
        and issuer.first <= int("".join(map(str, digits[: issuer.width]))) <= issuer.last
        for issuer in _BY_FIRST_DIGIT.get(digits[0], ())
    )


def _sums_up(digits: list[int]) -> bool:
    """Luhn: double every second digit from the right, add up the digits, and 10 divides the sum."""
    doubled = sum(_DOUBLED[digit] for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0

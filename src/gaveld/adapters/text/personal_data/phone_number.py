"""Finds phone numbers: international ones, and national ones of the configured regions.

libphonenumber's metadata decides which numbers exist; a cheap pattern decides what it is asked.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneNumberMatcher

from gaveld.adapters.text.scanning import Hit

INTERNATIONAL: Final = 0.9
NATIONAL_GROUPED: Final = 0.8
NATIONAL_ANNOUNCED: Final = 0.75

_FEWEST_DIGITS, _MOST_DIGITS = 7, 15

# Digits with at most one sign, or a bracket and a space, between two of them; taken whole, so that
# each character is looked at once.
_RUN: Final = re.compile(
    r"(?<![\w.#=/+-])(?:(?<!\d,)|(?<=\d{4},))(?:\+\s?|\(\+?|00)?\d"
    r"(?:(?:[ .\-/\u00a0\u2010-\u2015]|\)[ .\-]?|[ .\-]?\()?\d)*+"
    r"(?![\w%$€£°]|:\d)"
)
_ANNOUNCEMENT: Final = re.compile(
    r"\b(?:call|cell|contact|dial|fax|mobile|number|phone|ring|signal|sms|tel|telegram|text|"
    r"viber|whats ?app)\b[^\d\n]{0,20}\Z",
    re.IGNORECASE,
)
_ANNOUNCEMENT_CHARACTERS: Final = 32
_OTHER_NUMBER: Final = re.compile(
    r"\b(?:account|acct|asin|booking|case|ean|id|imei|invoice|isbn|issn|model|order|part|parcel|"
    r"receipt|ref|reference|serial|sku|ticket|tracking|upc|vat)\b[^\d\n]{0,12}\Z",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"(?:\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2\d{2,4})(?: \d{1,4})?"
)
_DECIMAL: Final = re.compile(r"\d+\.\d+")
_GROUPED_BY_THREE: Final = re.compile(r"\d{1,3}(?:([ .])\d{3}(?:\1\d{3})*)")
_NORTH_AMERICA: Final = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
_NORTH_AMERICAN: Final = re.compile(
    r"(?:1[ .\-]?)?(?:\([2-9]\d\d\)[ .\-]?|[2-9]\d\d[ .\-/]?)[2-9]\d\d[ .\-]?\d{4}"
)
_PIECE: Final = re.compile(r"[^ ]+")
_MOST_PIECES: Final = 4
_SEPARATOR: Final = re.compile(r"\D")


class PhoneNumbers:
    """Finds phone numbers; ``regions`` are the ISO 3166 codes whose national ones count."""

    def __init__(self, regions: Sequence[str]) -> None:
        unknown = sorted(set(regions) - phonenumbers.SUPPORTED_REGIONS)
        if unknown:
            raise ValueError(f"no phone region {unknown[0]!r}")
        self._regions = tuple(regions)

    def find(self, text: str) -> Iterator[Hit]:
        """Yield the phone numbers in a text."""
        for run in _RUN.finditer(text):
            if len(run[0]) < _FEWEST_DIGITS:
                continue
            hit = self._judge(text, run.start(), run[0])
            if hit:
                yield hit
            elif " " in run[0]:
                yield from self._judge_pieces(text, run.start(), run[0])

    def _judge_pieces(self, text: str, start: int, run: str) -> Iterator[Hit]:
        """Yield the numbers in a run of several, or of a number and other digits."""
        pieces = [piece.span() for piece in _PIECE.finditer(run)]
        first = 0
        while first < len(pieces):
            begin = pieces[first][0]
            for last in range(min(first + _MOST_PIECES, len(pieces)) - 1, first - 1, -1):
                hit = self._judge(text, start + begin, run[begin : pieces[last][1]])
                if hit:
                    yield hit
                    first = last
                    break
            first += 1

    def _judge(self, text: str, start: int, number: str) -> Hit | None:
        digits = sum(map(str.isdecimal, number)) if len(number) <= 2 * _MOST_DIGITS + 4 else 0
        if not _FEWEST_DIGITS <= digits <= _MOST_DIGITS:
            return None
        if number.startswith(("+", "(+", "00")):
            international = "+" + number.lstrip("(+0 ")
            score = INTERNATIONAL if _is_valid(international, None) else 0.0
        else:
            score = self._national_score(text, start, number)
        if not score:
            return None
        return Hit(start, start + len(number), "P1", score, "A phone number.")

    def _national_score(self, text: str, start: int, number: str) -> float:
        regions = [region for region in self._regions if _may_be_of(region, number)]
        if not regions or _is_date_or_amount(number):
            return 0.0
        before = text[max(0, start - _ANNOUNCEMENT_CHARACTERS) : start]
        regions = [region for region in regions if _is_valid(number, region)]
        if not regions or _OTHER_NUMBER.search(before):
            return 0.0
        if _SEPARATOR.search(number) and any(_is_grouped(number, region) for region in regions):
            return NATIONAL_GROUPED
        return NATIONAL_ANNOUNCED if _ANNOUNCEMENT.search(before) else 0.0


def _may_be_of(region: str, number: str) -> bool:
    """Whether it is worth asking the metadata; decided by form, where the plan has but one."""
    return region not in _NORTH_AMERICA or _NORTH_AMERICAN.fullmatch(number) is not None


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except NumberParseException:
        return False


def _is_grouped(number: str, region: str) -> bool:
    """Whether the digits are grouped in the way that the region writes them."""
    if region in _NORTH_AMERICA:
        return True  # its form was checked already
    matcher = PhoneNumberMatcher(number, region, leniency=Leniency.STRICT_GROUPING)
    return any(True for _ in matcher)


def _is_date_or_amount(number: str) -> bool:
    return any(
        shape.fullmatch(number) is not None for shape in (_DATE, _DECIMAL, _GROUPED_BY_THREE)
    )

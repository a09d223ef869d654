"""What a single character becomes when a text is folded, whatever stands around it.

Look-alikes of other scripts depend on their word and are not decided here.
"""

import unicodedata
from enum import Enum
from typing import Final

from anyascii import anyascii


class Fate(Enum):
    """What becomes of a character that is not simply replaced."""

    REMOVED = "removed"
    """Shows nothing: zero-width, bidi and other controls, tags, variation selectors."""
    JOINER = "joiner"
    """ZWJ and ZWNJ: spelling in Persian or Hindi, a disguise elsewhere."""
    DIACRITIC = "diacritic"
    """A mark that can stand on letters of any script."""
    VOWEL_SIGN = "vowel sign"
    """A mark that belongs to one script, or a conjoining jamo: part of its word."""
    REGIONAL = "regional"
    """A regional-indicator letter, two of which make a flag."""


class Script(Enum):
    """As much about a character's script as folding needs to know."""

    LATIN = "latin"
    GREEK_OR_CYRILLIC = "greek or cyrillic"
    OTHER = "other"
    NO_LETTER = "no letter"


_QUOTES: Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\uff07\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\uff02\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
}
_UNCHANGED: Final = (
    "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85"  # white space among the controls
    "\u2122\u2120"  # trade marks: no part of the word before them
    "\u0e33\u0eb3"  # Thai and Lao AM, which are written as one
)
_BRAILLE_BLANK: Final = "\u2800"
_REPLACED: Final = {**{c: c for c in _UNCHANGED}, **_QUOTES, _BRAILLE_BLANK: " "}

_Blocks = tuple[tuple[int, int], ...]
_DIACRITICS: Final = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
)
_REGIONAL_A: Final = 0x1F1E6
_BLOCK_FATES: Final[tuple[tuple[_Blocks, Fate | None], ...]] = (
    # Format characters that show, and jamo that NFKC would take apart: as they are.
    (((0x0600, 0x0605), (0x06DD, 0x06DD), (0x0890, 0x0891), (0x08E2, 0x08E2)), None),
    (((0x3131, 0x3163), (0x3165, 0x318E), (0xFFA1, 0xFFDC)), None),
    # Fillers, variation selectors, tags, and what is set aside to be ignored.
    (((0x034F, 0x034F), (0x115F, 0x1160), (0x3164, 0x3164), (0xFFA0, 0xFFA0)), Fate.REMOVED),
    (((0x17B4, 0x17B5), (0x180B, 0x180F), (0xFE00, 0xFE0F)), Fate.REMOVED),
    (((0x2065, 0x2065), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)), Fate.REMOVED),
    (((0x1161, 0x11FF), (0xD7B0, 0xD7FB)), Fate.VOWEL_SIGN),
    (((_REGIONAL_A, _REGIONAL_A + 25),), Fate.REGIONAL),
)


class CharacterTable(dict[str, str | Fate]):
    """What each character becomes, worked out when it is first met."""

    def __missing__(self, character: str) -> str | Fate:
        """Work out a character's fate and keep it, unless it has no meaning of its own."""
        fate = _fate(character)
        if unicodedata.category(character) not in {"Cn", "Co", "Cs"}:
            self[character] = fate
        return fate


def _fate(character: str) -> str | Fate:
    special = _special(character)
    if special is not None:
        return special
    category = unicodedata.category(character)
    if category.startswith("M"):
        code = ord(character)
        return Fate.DIACRITIC if _within(code, _DIACRITICS) else Fate.VOWEL_SIGN
    if category.startswith("Z"):
        return "\n" if category in {"Zl", "Zp"} else " "
    if category in {"Cn", "Co", "Cs"}:
        return character
    return _replacement(character)


def _special(character: str) -> str | Fate | None:
    if character in _REPLACED:
        return _REPLACED[character]
    if character in "\u200c\u200d":
        return Fate.JOINER
    code = ord(character)
    for blocks, fate in _BLOCK_FATES:
        if _within(code, blocks):
            return fate or character
    if unicodedata.category(character) in {"Cc", "Cf"}:
        return Fate.REMOVED
    return _enclosed_letter(character)


def _enclosed_letter(character: str) -> str | None:
    """Return the letter in a circle, square or parentheses, and None for anything else."""
    name = unicodedata.name(character, "")
    if " LATIN " not in name:
        return None
    enclosed = name.startswith(("PARENTHESIZED ", "NEGATIVE CIRCLED ", "NEGATIVE SQUARED "))
    letter = name.rpartition(" ")[2]
    return letter.lower() if enclosed and len(letter) == 1 else None


def _replacement(character: str) -> str:
    compatible = unicodedata.normalize("NFKC", character)
    if compatible.startswith(" ") or not compatible:
        return character  # a spacing accent, which NFKC would tear from its word
    folded = unicodedata.normalize("NFKC", compatible.casefold())
    return "".join(_plain_latin(part) for part in folded) or character


def _plain_latin(character: str) -> str:
    """Return a Latin letter without marks and strokes in ASCII, and anything else unchanged."""
    if character.isascii():
        return character
    if script(character) is Script.LATIN:
        plain = anyascii(character).lower()
        return plain if plain.isascii() and plain.isalpha() else character
    return "" if _within(ord(character), _DIACRITICS) else character


def regional_letter(character: str) -> str:
    """Return the ASCII letter of a regional indicator."""
    return chr(ord(character) - _REGIONAL_A + ord("a"))


def script(character: str) -> Script:
    """Return what is known of one character's script."""
    if not character.isalpha():
        return Script.NO_LETTER
    if character.isascii():
        return Script.LATIN
    name = unicodedata.name(character, "")
    if name.startswith("LATIN "):
        return Script.LATIN
    if name.startswith(("GREEK ", "CYRILLIC ")):
        return Script.GREEK_OR_CYRILLIC
    return Script.OTHER


def _within(code: int, blocks: _Blocks) -> bool:
    return any(first <= code <= last for first, last in blocks)


def compose(letter: str, mark: str) -> str | None:
    """Return the one character that a letter and a mark make, and None if there is none."""
    composed = unicodedata.normalize("NFC", letter + mark)
    return composed if len(composed) == 1 else None

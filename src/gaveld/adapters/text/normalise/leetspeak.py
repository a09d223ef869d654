"""Reads digits and symbols that stand for letters within one word.

It judges by shape alone: a substitute between letters is surely one, at a word's edge it may be
a plural, a price or a model number. What names or numbers something must not come here.
"""

import re
from itertools import islice, product
from typing import Final, NamedTuple

_LETTERS: Final = {
    "0": "o", "3": "e", "4": "a", "@": "a", "5": "s", "$": "s", "7": "t", "+": "t", "8": "b",
    "9": "g", "€": "e", "£": "l", "¢": "c", "©": "c", "§": "s",
}  # fmt: skip
_PLAIN: Final = str.maketrans(_LETTERS)
_STROKES: Final = re.compile(r"([1!|¡])\1*")
"""What stands for i or for l, ``_reads_as_l`` says which is likelier."""
_UNREADABLE: Final = re.compile("[26]")
SUBSTITUTES: Final = "0134578!9@$|+€£¢©§¡"
WORD: Final = re.compile(rf"[a-z0-9{re.escape(SUBSTITUTES)}]+")
HINT: Final = re.compile(r"[a-z](?:[013-57-9@$|+€£¢©§¡]|!+[a-z0-9@$])|[013-57-9@$€£©§¡][a-z]|@\$\$")

_SYMBOLS: Final = frozenset("!|@$+€£¢©§¡")
_PUNCTUATION: Final = "!|+¡"
_LONGEST: Final = 24
_MOST_READINGS: Final = 8
_VOWELS: Final = frozenset("aeiouy034@€")
_PROFANE_SYMBOLS: Final = {"@$$": "ass"}
_NUMBER_TAIL: Final = re.compile(r"(?<=[a-z])\d{2,}$")
_NEVER: Final = re.compile(r"[$€£¢]\d|\d[$€£¢]$|^\d\d|^[a-z](?!(\d)\1+[a-z]$)\d{2,}[a-z]$")
"""Prices, numbers with a unit, and words like ``i18n`` that count what they leave out."""
_CURRENCY: Final = re.compile(r"[a-z]{1,3}[$€£¢]")
_WORDS: Final = re.compile(r"[a-z$]{3,}(?:[^a-z$]+[a-z$]{3,})+")
"""Whole words on both sides of what is then a number or punctuation."""
_AT_AS_A: Final = re.compile(r"@[b-df-hj-np-tv-z].{0,6}$")
"""An at sign that may be a letter. Before a vowel or a long word it addresses somebody."""
_SURE_DIGITS: Final = re.compile(r"[a-z]+(?:([013457])\1?[a-z]+)+")
_SURE_SYMBOLS: Final = re.compile(
    r"a\$\$.*|(?!.{3,}!|.{3,}@.{4,}|.!.$|.[^a-z]+$)[a-z][^+]*(?<![@0-9])"
)
"""Not so sure: marks that may follow a word or join two, and a substitute first or last."""
_NUMBERED: Final = re.compile(r"\d.*\d|\d(?!([a-z])\1)[a-z]{2}")
"""Numbers with letters between, ordinals, and numbers with a unit."""
_DOUBLED: Final = frozenset({"00", "11", "33", "55", "77"})
_SHORTEST: Final = 3


class Decoded(NamedTuple):
    """A word's readings, each as long as the word, and whether the first is surely meant.

    ``start`` is where the word begins in its token, after punctuation; ``has_number`` says that
    a number was cut off its end.
    """

    start: int
    readings: tuple[str, ...]
    is_sure: bool
    has_number: bool


def decode(token: str, sent: str) -> Decoded | None:
    """Return what a run of letters, digits and symbols spells, or None if it spells nothing.

    ``token`` is folded; ``sent`` is what it was read from, whose capitals tell model numbers.
    """
    if token in _PROFANE_SYMBOLS:
        return Decoded(0, (_PROFANE_SYMBOLS[token],), is_sure=False, has_number=False)
    word = token.lstrip(_PUNCTUATION)
    if word.startswith("@") and not _AT_AS_A.match(word):
        word = word[1:]
    start = len(token) - len(word)
    word = word.rstrip(_PUNCTUATION)
    if len(word) > _LONGEST:
        return None
    tail = _NUMBER_TAIL.search(word)
    has_number = tail is not None and not _is_spelling(word, tail.group(), sent)
    if tail is not None and has_number:
        word = word[: tail.start()]
    if word.isalpha():
        worth = has_number and len(word) >= _SHORTEST
        return Decoded(start, (word,), is_sure=False, has_number=True) if worth else None
    if not _is_plausible(word):
        return None
    spelled = readings(word)
    if _VOWELS.isdisjoint(spelled[0]):
        return None
    return Decoded(start, spelled, _is_sure(word, sent), has_number)


def _is_spelling(word: str, tail: str, sent: str) -> bool:
    """Whether digits at a word's end may be letters, as in ``pu55`` or ``p3n15``."""
    stem = word.removesuffix(tail)
    if len(tail) > len("55") or sent != sent.lower():
        return False
    return tail in _DOUBLED or any(map(str.isdigit, stem))


def _is_plausible(word: str) -> bool:
    if _UNREADABLE.search(word) or _NEVER.search(word):
        return False
    letters = sum(map(str.isalpha, word))
    digits = sum(map(str.isdigit, word))
    if digits > letters + 1 or letters == 0 or ("+" in word and letters < _SHORTEST):
        return False
    if digits == 0:
        return _CURRENCY.fullmatch(word) is None and len(word) >= _SHORTEST
    return letters >= _SHORTEST or (letters > 1 and _NUMBERED.fullmatch(word) is None)


def _is_sure(word: str, sent: str) -> bool:
    """Whether the substitutes stand where nothing else would: inside one short enough word."""
    if _WORDS.fullmatch(word):
        return False
    if not _SYMBOLS.isdisjoint(word):
        return _SURE_SYMBOLS.fullmatch(word) is not None
    letters = sum(map(str.isalpha, word))
    is_inside = _SURE_DIGITS.fullmatch(word) is not None
    is_word = "00" in word or (letters >= _SHORTEST and letters > len(word) - letters)
    return is_inside and is_word and not sent.isupper()


def readings(word: str) -> tuple[str, ...]:
    """Return what a word of letters and substitutes may spell, likeliest first, a few at most."""
    plain = word.translate(_PLAIN)
    strokes = list(_STROKES.finditer(word))
    if not strokes:
        return (plain,)
    choices: list[tuple[str, ...]] = []
    position = 0
    for stroke in strokes:
        start, end = stroke.span()
        letters = "li" if _reads_as_l(word, start, end) else "il"
        choices.append((plain[position:start],))
        choices.append(tuple(letter * (end - start) for letter in letters))
        position = end
    choices.append((plain[position:],))
    return tuple(map("".join, islice(product(*choices), _MOST_READINGS)))


def _reads_as_l(word: str, start: int, end: int) -> bool:
    """Whether strokes are rather l: a pair of ones, before a vowel, or last after a vowel."""
    if word[start:end] == "11":
        return True
    after_vowel = start > 0 and word[start - 1] in _VOWELS
    if end == len(word):
        return after_vowel
    return word[end] in _VOWELS and not after_vowel

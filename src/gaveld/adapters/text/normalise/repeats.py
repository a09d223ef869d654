"""Shortens letters that were held down, as in ``nooooo``: to one, or to two where that is likelier.

Doubled letters are spelling and stay, with another reading where English never doubles them.
"""

import re
from itertools import islice, product
from typing import Final, NamedTuple

HINT: Final = re.compile(r"([a-z\u0430-\u044f\u0451\u03b1-\u03c9])\1\1|([hijkquvwxy])\2")
_HELD: Final = re.compile(r"([a-z\u0430-\u044f\u0451\u03b1-\u03c9])\1{2,}|([hijkquvwxy])\2")
_OFTEN_DOUBLE: Final = re.compile(r"[aeiouy][bcdfglmnprstz][aeiouy]$|(?<![aeiouy])[aeiu][lf]\.$")
"""Where English doubles a consonant: between vowels, as in ``hello``, or last, as in ``kill``."""
_SPELLING: Final = re.compile(r"www.*|[mdc]*[xl]*v?i{2,3}|x{2,3}[vi]*|m{2,3}[dclxvi]*|(.)\1*")
_MOST_RUNS: Final = 3


class Shortened(NamedTuple):
    """A word's likeliest reading, where each of its letters began, and its other readings."""

    text: str
    offsets: tuple[int, ...]
    others: tuple[str, ...]


def shorten(word: str) -> Shortened | None:
    """Return the readings of a word with held letters, or None if it has none.

    Words of one letter only, such as ``xxx``, hosts in www and Roman numerals stay as they are.
    """
    runs = list(_HELD.finditer(word))
    if not runs or _SPELLING.fullmatch(word):
        return None
    texts: list[tuple[str, ...]] = []
    offsets: list[int] = []
    position = 0
    for count, run in enumerate(runs):
        start, end = run.span()
        texts.append((word[position:start],))
        offsets.extend(range(position, start))
        lengths = _lengths(word, run)
        letter = word[start]
        kept = lengths if count < _MOST_RUNS else lengths[:1]
        texts.append(tuple(letter * length for length in kept))
        offsets.extend(range(start, start + lengths[0]))
        position = end
    texts.append((word[position:],))
    offsets.extend(range(position, len(word)))
    likeliest, *others = map("".join, islice(product(*texts), 2**_MOST_RUNS))
    return Shortened(likeliest, tuple(offsets), tuple(others))


def _lengths(word: str, run: "re.Match[str]") -> tuple[int, int]:
    start, end = run.span()
    is_double = end == start + len("ii")
    short = word[max(0, start - 2) : start + 1] + (word[end : end + 1] or ".")
    return (2, 1) if is_double or _OFTEN_DOUBLE.search(short) else (1, 2)

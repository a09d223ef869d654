"""Joins letters that were set apart: spelled out one by one, or parted inside a word.

Only runs of single letters count as spelled out, so that ``as such`` can never be joined.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_LETTER: Final = r"[a-z\u0430-\u044f\u0451\u03b1-\u03c90-9@$]"
_RARELY_BETWEEN: Final = r"""[,:;/\\"+=&#%]"""
"""Set letters apart only when the same one stands between all of them, as in ``f,u,c,k``."""
_BETWEEN: Final = r"""[^\w\s,:;/\\'"+=@$()\[\]{}<>&#%*-]{1,3}"""
_APART: Final = rf"(?:[ \t]?(?:{_BETWEEN}|[*-])[ \t]?|[ \t\n]{{1,3}}|_{{1,3}})"
_ALONE: Final = (
    rf"{_LETTER}(?![^\W_])"
    r"(?<![^\W_].)(?<![@$].)(?<![^\W_]['*#%].)(?<![^\W_][*#%][*#%].)"
)
"""A single letter to begin with: all that is said of what stands before it comes after it,
because most letters are not single and fail at once. ``t`` in ``sh*t`` is not single, nor is
``s`` in ``it's``."""
_ENDS: Final = r"(?!'?[^\W_])(?![@$])"
_SPELLED: Final = re.compile(
    rf"{_ALONE}(?:(?:{_APART}{_LETTER}){{2,}}|({_RARELY_BETWEEN}){_LETTER}(?:\1{_LETTER})+){_ENDS}",
    re.DOTALL,
)
_SINGLE: Final = re.compile(_LETTER)
_NO_NUMBER: Final = re.compile(r"(?:(?<!\d)\d(?!\d)|\D)+")
_REST_OF_WORD: Final = re.compile(
    rf"{_APART}([a-z]{{0,4}}(?:ing|ed|es|ers?|ots?|gas?|holes?)|you|off)(?![^\W_])"
)

_MARK: Final = r"(?:[.?-]|[^\w\s'\",:;/\\+=@$()\[\]{}<>!|.?\u2026-]{1,3})"
PARTED_HINT: Final = re.compile(rf"[a-z]{_MARK}[a-z]")
_PARTED: Final = re.compile(rf"(?<![a-z])[a-z]+(?:{_MARK}[a-z]+){{1,4}}(?![^\W_])")
_LONGEST_PARTED: Final = 12
_LONGEST_PIECE: Final = 3

_UNREADABLE: Final = frozenset("26")
_SHORTEST: Final = 3
_LONGEST_INITIALS: Final = 3
_COMPANY: Final = re.compile(
    r"(a|i|u|go|my|you)?(.{3,}?)(you|u|off|me|him|her|them|it|this|that|up)?"
)
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"


class Spelled(NamedTuple):
    """A run of single letters: what it spells, and where each letter stands in the text.

    ``end`` is where the last letter ends. ``is_sure`` is false where it may be initials.
    """

    text: str
    offsets: tuple[int, ...]
    end: int
    is_sure: bool


class Continuation(NamedTuple):
    """Letters after a run, and where they end in the text."""

    text: str
    end: int


def spelled_out(text: str, start: int, end: int, sent: Callable[[int], str]) -> Iterator[Spelled]:
    """Yield the words spelled out letter by letter in ``text[start:end]``, in order.

    ``sent`` gives the character of the original at a position of ``text``: a few capitals, or
    any number with full stops between, are taken for initials.
    """
    for run in _SPELLED.finditer(text, start, end):
        letters = [letter.start() for letter in _SINGLE.finditer(text, *run.span())]
        for group in _groups(text, letters):
            compact = "".join(map(text.__getitem__, group))
            for piece in _NO_NUMBER.finditer(compact):
                word, offsets = piece.group(), tuple(group[piece.start() : piece.end()])
                if _is_word(word):
                    original = "".join(map(sent, offsets))
                    apart = text[offsets[0] + 1 : offsets[1]]
                    yield Spelled(word, offsets, offsets[-1] + 1, _is_sure(original, apart))


def continued(text: str, end: int) -> Continuation | None:
    """Return what often ends a spelled-out word or insult, as in ``w a l king``, if it follows."""
    rest = _REST_OF_WORD.match(text, end)
    return Continuation(rest.group(1), rest.end()) if rest else None


def without_company(word: str) -> tuple[int, int] | None:
    """Return the range of a joined word without the short word it ran into, as in ``ihateyou``."""
    match = _COMPANY.fullmatch(word)
    if match is None or match.span(2) == (0, len(word)):
        return None
    return match.span(2)


def parted(token: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a word may have been parted by marks or emoji, and the word without them.

    One of the pieces has at most three letters; ordinary compounds have longer ones.
    """
    for match in _PARTED.finditer(token):
        pieces = re.findall("[a-z]+", match.group())
        joined = "".join(pieces)
        if len(joined) <= _LONGEST_PARTED and min(map(len, pieces)) <= _LONGEST_PIECE:
            yield match.start(), match.end(), joined


def _groups(text: str, letters: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split a run where its letters stand further apart than they mostly do.

    That is where white space is wider than elsewhere, or comes with a mark, as after initials.
    """
    gaps = [_width(text[left + 1 : right]) for left, right in pairwise(letters)]
    widest = min(gaps)
    start = 0
    for at, gap in enumerate(gaps, 1):
        if gap > max(widest, 1):
            yield letters[start:at]
            start = at
    yield letters[start:]


def _width(gap: str) -> int:
    """Return how wide a gap looks: its white space, and more when that stands beside a mark."""
    white = sum(map(str.isspace, gap))
    return white if white in (0, len(gap)) else white + 1


def _is_word(word: str) -> bool:
    letters = sum(c.isalpha() for c in word)
    return (
        len(word) >= _SHORTEST
        and letters > 1
        and letters >= len(word) - letters
        and _UNREADABLE.isdisjoint(word)
        and word not in _ALPHABET
        and len(set(word)) > 1
    )


def _is_sure(original: str, apart: str) -> bool:
    if original.isupper():
        return apart.strip() != "." and len(original) > _LONGEST_INITIALS
    return len(original) > _LONGEST_INITIALS or not apart.isspace()

"""Finds listed terms in a text as whole words, in linear time. It knows nothing of categories.

A term ends where its word ends: neither of its ends may touch a letter or digit. Scripts that
are written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) have no such ends, so there a
term is found wherever it stands.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import ahocorasick

from gaveld.adapters.text.cpu_lane import STEP_CHARACTERS, Checkpoint, steps

PayloadT = TypeVar("PayloadT")

_JOINERS: Final = str.maketrans(dict.fromkeys("-_\u2010\u2011\u2012\u2013\u00a0\t\n\r\v\f", " "))
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3040, 0x30FF),  # hiragana, katakana
    (0x31F0, 0x31FF),  # small katakana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x3FFFF),  # Han, further extensions
)
_LONGEST_WORD: Final = 256  # a run of letters that goes on for longer is no word
_UNSPACED_STARTS: Final = tuple(first for first, _ in _UNSPACED)


class Match(NamedTuple, Generic[PayloadT]):
    """A term at ``[start, end)`` of the text searched, with what was filed under it."""

    start: int
    end: int
    payload: PayloadT


class TermMatcher(Generic[PayloadT]):
    """An Aho-Corasick automaton over terms, each with a payload.

    Terms are compared as ``comparable`` gives them, so letter case is the caller's to fold and
    a space also stands for a hyphen, an underscore or a line break. With ``prefixes`` a term need
    only begin a word, and the match runs to that word's end, or for 256 characters more.
    """

    def __init__(self, terms: Mapping[str, PayloadT], *, prefixes: bool = False) -> None:
        self._prefixes = prefixes
        self._payloads = {comparable(term): payload for term, payload in terms.items()}
        self._longest = max(map(len, self._payloads), default=0)
        self._automaton = ahocorasick.Automaton()
        for term, payload in self._payloads.items():
            self._automaton.add_word(term, (len(term), payload))
        self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return bool(self._payloads)

    def matches(self, text: str, checkpoint: Checkpoint) -> Iterator[Match[PayloadT]]:
        """Yield every match in ``text``, which must be ``comparable``; matches may overlap."""
        if not self._payloads:
            return
        for start, end in steps(len(text), self._longest):
            checkpoint()
            for last, (length, payload) in self._automaton.iter(text[start:end]):
                first = last - length + 1
                if first >= STEP_CHARACTERS:
                    continue  # it begins in the next step, which finds it
                at, to = start + first, start + last + 1
                if at and _is_one_word(text[at - 1], text[at]):
                    continue
                if to < len(text) and _is_one_word(text[to - 1], text[to]):
                    if not self._prefixes:
                        continue
                    to = _word_end(text, to)
                yield Match(at, to, payload)

    def has(self, text: str) -> bool:
        """Whether a short text is one of the terms, start to end."""
        return comparable(text) in self._payloads

    def of_whole(self, text: str) -> PayloadT | None:
        """Return the payload of the term that a short text is, or that its only word begins."""
        candidate = comparable(text)
        if not self._prefixes:
            return self._payloads.get(candidate)
        if len(candidate) > _LONGEST_WORD:
            return None
        for match in self.matches(candidate, _go_on):
            if (match.start, match.end) == (0, len(candidate)):
                return match.payload
        return None


def comparable(text: str) -> str:
    """Return a text of the same length in which whatever joins two words is a space."""
    return text.translate(_JOINERS)


def _is_one_word(left: str, right: str) -> bool:
    return _in_word(left) and _in_word(right) and not (_is_unspaced(left) or _is_unspaced(right))


def _in_word(character: str) -> bool:
    if character.isalnum():
        return True
    return character > "\x7f" and unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    if code < _UNSPACED_STARTS[0]:
        return False
    return code <= _UNSPACED[bisect_right(_UNSPACED_STARTS, code) - 1][1]


def _word_end(text: str, position: int) -> int:
    limit = min(len(text), position + _LONGEST_WORD)
    while position < limit and _is_one_word(text[position - 1], text[position]):
        position += 1
    return position


def _go_on() -> None:
    pass

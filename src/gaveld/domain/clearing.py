"""How much of a turn that is still being written may be shown.

It cuts the turn into pieces, each judged once, holds back what is not judged yet, and never takes
back what it cleared. Where pieces end depends on the text alone and not on how it arrived, so that
any chunking of a text comes to the same verdict. It judges nothing itself.
"""

from dataclasses import dataclass
from typing import Final

from gaveld.domain.content import Offsets
from gaveld.domain.sentences import LONGEST_WORD, ends_sentence, is_silent

SHORTEST_SENTENCE_UNITS: Final = 16
"""A shorter sentence counts with the next, so that few words never cost a judgement each."""

SMALLEST_PIECE_UNITS: Final = 64
"""Pieces may be this long even where less is held back; then text is also judged as it comes."""

CONTEXT_CHARACTERS: Final = 400
"""A piece is read with at most so many characters of what stands before it in its turn."""

_READ_AHEAD_SHARE: Final = 4
"""A piece that ends for its length is read with a quarter of that length of what comes after it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a turn to judge, after the context that it is to be read in.

    ``text`` is context and piece; the piece begins at ``fresh_from``, in code points of ``text``.
    ``before`` is where ``text`` begins in the turn, and ``end`` where the piece ends there, in code
    points. One that ends for its length, in the middle of a sentence, is read with some of what
    comes after it, so that nothing harmful falls between two pieces. ``is_whole`` is false for a
    glimpse at a piece that may yet go on.
    """

    text: str
    fresh_from: int
    before: Offsets
    end: int
    is_whole: bool = True

    @property
    def fresh_to(self) -> int:
        """Where the piece ends, in code points of ``text``."""
        return self.end - self.before.code_point

    @property
    def fresh(self) -> str:
        """The piece itself."""
        return self.text[self.fresh_from : self.fresh_to]

    @property
    def is_silent(self) -> bool:
        """Whether the piece itself holds nothing but punctuation and white space."""
        return all(is_silent(character) for character in self.fresh)


class Draft:
    """A turn that is still being written, and how much of it was cleared.

    ``hold_back_units`` is how many UTF-16 units may be held back at most once everything that came
    was judged and found clean. Whoever drives it judges ``next_piece`` until there is none and then
    ``glimpse``, and says ``clear`` or ``stop`` to each. It keeps no more of the turn than what is
    held back and its context, however long the turn.
    """

    def __init__(self, hold_back_units: int) -> None:
        self._hold_back_units = hold_back_units
        self._piece_units = max(hold_back_units, SMALLEST_PIECE_UNITS)
        self._text = ""  # from _before on
        self._before = Offsets(0, 0, 0)
        self._piece_start = 0  # this and the next two in code points of _text
        self._cleared = 0
        self._glimpsed = 0
        self._scan = _Scan()
        self._has_ended = False
        self._is_stopped = False
        self._cleared_units = 0

    @property
    def cleared_utf16_offset(self) -> int:
        """How much may be shown, in UTF-16 units from the turn's beginning; it never falls."""
        return self._cleared_units

    @property
    def length_utf16(self) -> int:
        """How much was written."""
        return self._before.utf16 + utf16_length(self._text)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more of it will be cleared."""
        return self._is_stopped

    def write(self, text: str) -> None:
        """Add what was written. Once stopped, it is only counted."""
        self._text += text
        if self._is_stopped:
            self._forget(len(self._text))
        else:
            self._move_on()

    def end(self) -> None:
        """Say that the turn is complete, so that what is left is a piece."""
        self._has_ended = True

    def next_piece(self) -> Piece | None:
        """Return the next piece to judge; None until more is written."""
        if self._is_stopped:
            return None
        ends = self._scan.ends_of_piece(self._text, self._piece_start, self._piece_units)
        if ends is None and self._has_ended and self._piece_start < len(self._text):
            ends = len(self._text), len(self._text)
        return None if ends is None else self._piece(*ends, is_whole=True)

    def glimpse(self) -> Piece | None:
        """Return what waits if it is more than may be held back, for a look before it is whole.

        Only where less is held back than a piece may have. What a glimpse shows decides how much
        is cleared, and no verdict: the whole piece is judged again.
        """
        end = len(self._text)
        if self._is_stopped or end <= self._glimpsed:
            return None
        if utf16_length(self._text[self._cleared :]) <= self._hold_back_units:
            return None
        self._glimpsed = end
        return self._piece(end, end, is_whole=False)

    def clear(self, piece: Piece) -> None:
        """Clear a piece; of a glimpse, all but what is still to be held back."""
        end = piece.end - self._before.code_point
        if not piece.is_whole:
            self._clear_to(self._glimpse_end(end))
            return
        self._clear_to(end)
        self._piece_start, self._scan = end, _Scan()
        self._forget(context_start(self._text, end))
        self._move_on()

    def stop(self) -> None:
        """Clear nothing any more, and keep nothing."""
        self._is_stopped = True
        self._forget(len(self._text))

    def _piece(self, end: int, read_to: int, *, is_whole: bool) -> Piece:
        begin = context_start(self._text, self._piece_start)
        return Piece(
            self._text[begin:read_to],
            self._piece_start - begin,
            _advanced(self._before, self._text[:begin]),
            self._before.code_point + end,
            is_whole,
        )

    def _glimpse_end(self, end: int) -> int:
        units, cut = 0, end
        while cut > self._cleared:
            units += utf16_length(self._text[cut - 1])
            if units > self._hold_back_units:
                break
            cut -= 1
        gaps = (index + 1 for index in range(cut, end) if self._text[index].isspace())
        at_a_gap = self._text[cut - 1 : cut].isspace()
        return cut if at_a_gap else next(gaps, cut)

    def _move_on(self) -> None:
        # Marks and spaces after what was cleared say nothing: a quotation mark that closes, say.
        end = self._cleared
        while end < len(self._text) and is_silent(self._text[end]):
            end += 1
        self._clear_to(end)

    def _clear_to(self, end: int) -> None:
        if end > self._cleared:
            self._cleared_units += utf16_length(self._text[self._cleared : end])
            self._cleared = end

    def _forget(self, start: int) -> None:
        self._before = _advanced(self._before, self._text[:start])
        self._text = self._text[start:]
        self._piece_start = max(0, self._piece_start - start)
        self._cleared = max(0, self._cleared - start)
        self._glimpsed = max(0, self._glimpsed - start)


class _Scan:
    """Looks for the end of one piece, going on where it left off when more was written."""

    def __init__(self) -> None:
        self._length = 0  # of what was looked at, in code points
        self._units = 0
        self._said_units = 0
        self._latest = 0  # where it may end for its length, ahead of what is read with it
        self._gap = 0  # the last before that; 0: none
        self._late_gap = 0  # the first after it
        self._ends: tuple[int, int] | None = None

    def ends_of_piece(self, text: str, start: int, limit_units: int) -> tuple[int, int] | None:
        """Return where the piece from ``start`` ends, and what is read with it.

        None if that can't be told yet.
        """
        if self._ends is None:
            self._ends = self._find(text, start, limit_units)
        return None if self._ends is None else (start + self._ends[0], start + self._ends[1])

    def _find(self, text: str, start: int, limit_units: int) -> tuple[int, int] | None:
        latest_units = limit_units - limit_units // _READ_AHEAD_SHARE
        for index in range(start + self._length, len(text)):
            character = text[index]
            units = 2 if character > "\uffff" else 1
            self._units += units
            if self._units > limit_units:
                return self._gap or self._late_gap or self._latest, self._length
            self._length += 1
            is_early = self._units <= latest_units
            if is_early:
                self._latest = self._length
            if self._said_units or not is_silent(character):
                self._said_units += units
            if character.isspace():
                if is_early:
                    self._gap = self._length
                else:
                    self._late_gap = self._late_gap or self._length
            is_long_enough = self._said_units >= SHORTEST_SENTENCE_UNITS
            if is_long_enough and ends_sentence(text, start, index):
                return self._length, self._length
        return None


def context_start(text: str, start: int) -> int:
    """Return where the context of what stands at ``start`` begins: at a word, if there is one."""
    begin = start - CONTEXT_CHARACTERS
    if begin <= 0:
        return 0
    for index in range(begin, min(begin + LONGEST_WORD, start)):
        if text[index].isspace():
            return index + 1
    return begin


def utf16_length(text: str) -> int:
    """Return how many UTF-16 code units a text has."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _advanced(before: Offsets, text: str) -> Offsets:
    if text.isascii():
        units = size = len(text)
    else:
        units, size = utf16_length(text), len(text.encode("utf-8", "surrogatepass"))
    return Offsets(before.code_point + len(text), before.byte + size, before.utf16 + units)

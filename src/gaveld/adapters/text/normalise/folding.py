"""Folds characters: case, width, fonts, marks, invisible characters and look-alikes.

Words are not its business: what it leaves has the same letters in the same order.
"""

import re
from array import array
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.normalise.characters import (
    CharacterTable,
    Fate,
    Script,
    compose,
    regional_letter,
    script,
)
from gaveld.adapters.text.normalise.lookalikes import fold_lookalikes
from gaveld.adapters.text.normalise.spellings import spelled_with_marks
from gaveld.domain.content import FoldedText

_UNUSUAL: Final = re.compile(r"[^\t\n\r\x20-\x7e]+")
_STEP: Final = 4_096
_MOST_MARKS: Final = 4
"""How many signs of its own script a letter keeps; no orthography stacks more."""
_MOST_DIACRITICS: Final = 2

_NUMBERS: Final = array("I", range(65_536))
_FATES: Final = CharacterTable()


def fold(text: str, checkpoint: Checkpoint) -> FoldedText:
    """Return ``text`` with its characters folded, and the way back.

    The ranges of neighbours meet, so that removed characters belong to the one before them;
    those at the very beginning belong to none.
    """
    if _UNUSUAL.search(text) is None:
        starts, ends = array("I"), array("I")
        _count(starts, 0, len(text), checkpoint)
        _count(ends, 1, len(text) + 1, checkpoint)
        return FoldedText(text.lower(), starts, ends)
    folding = _Folding(text, checkpoint)
    position = 0
    for count, (start, end) in enumerate(spelled_with_marks(text)):
        if count % _STEP == 0:
            checkpoint()
        folding.fold(position, start)
        folding.spell(start, end)
        position = end
    folding.fold(position, len(text))
    return fold_lookalikes(folding.finish(), text, checkpoint)


def _count(numbers: "array[int]", start: int, end: int, checkpoint: Checkpoint) -> None:
    """Append the numbers from ``start`` to ``end``, copied where they are kept ready."""
    ready = len(_NUMBERS)
    if end <= ready:
        numbers += _NUMBERS[start:end]
        return
    for step in range(start, end, ready):
        checkpoint()
        numbers.extend(range(step, min(step + ready, end)))


class _Folding:
    """The folded text so far, and how far into the original it reaches.

    Where characters are replaced one by one the way back is trivial, so only the start of such
    a stretch is kept, in ``_even_from``, until something else happens.
    """

    def __init__(self, text: str, checkpoint: Checkpoint) -> None:
        self._text = text
        self._checkpoint = checkpoint
        self._pieces: list[str] = []
        self._starts = array("I")
        self._ends = array("I")
        self._even_from = 0
        self._marks = 0

    def fold(self, start: int, end: int) -> None:
        """Fold ``text[start:end]``."""
        text = self._text
        position = start
        for unusual in _UNUSUAL.finditer(text, start, end):
            first, last = unusual.span()
            if position < first:
                self._pieces.append(text[position:first].lower())
            position = last
            for step in range(first, last, _STEP):
                self._checkpoint()
                self._fold_unusual(step, min(step + _STEP, last))
        if position < end:
            self._pieces.append(text[position:end].lower())

    def spell(self, start: int, end: int) -> None:
        """Take over ``text[start:end]`` as it is but for its case."""
        for at in range(start, end):
            self._replace(at, _spelling(self._text[at]))

    def finish(self) -> FoldedText:
        """Return what was folded."""
        self._settle(len(self._text))
        return FoldedText("".join(self._pieces), self._starts, self._ends)

    def _fold_unusual(self, start: int, end: int) -> None:
        text, pieces, fates = self._text, self._pieces, _FATES
        for at in range(start, end):
            fate = fates[text[at]]
            if fate.__class__ is str and len(fate) == 1:
                pieces.append(fate)
                self._marks = 0
            elif isinstance(fate, str):
                self._replace(at, fate)
            else:
                self._fold_special(at, fate)

    def _fold_special(self, at: int, fate: Fate) -> None:
        character = self._text[at]
        if fate is Fate.REMOVED:
            self._remove(at)
        elif fate is Fate.REGIONAL:
            alone = not self._is_flag(at)
            self._replace(at, regional_letter(character) if alone else character)
        elif fate is Fate.JOINER:
            spells = script(self._last) is Script.OTHER or self._marks > 0
            self._append_mark(character) if spells else self._remove(at)
        else:
            self._fold_mark(at, character, is_diacritic=fate is Fate.DIACRITIC)

    def _fold_mark(self, at: int, mark: str, *, is_diacritic: bool) -> None:
        letter = self._last
        kind = script(letter) if letter else Script.NO_LETTER
        if kind is Script.LATIN:
            self._remove(at)
            return
        composed = compose(letter, mark) if letter else None
        if composed is not None:
            self._remove(at)
            self._pieces[-1] = self._pieces[-1][:-1] + composed
            return
        most = _MOST_MARKS
        if is_diacritic:
            most = _MOST_DIACRITICS if kind is Script.OTHER else 0
        if self._marks < most:
            self._append_mark(mark)
        else:
            self._remove(at)

    @property
    def _last(self) -> str:
        return self._pieces[-1][-1] if self._pieces else ""

    def _append_mark(self, mark: str) -> None:
        self._pieces.append(mark)
        self._marks += 1

    def _replace(self, at: int, replacement: str) -> None:
        self._pieces.append(replacement)
        self._marks = 0
        if len(replacement) != 1:
            self._settle(at)
            self._starts.extend([at] * len(replacement))
            self._ends.extend([at + 1] * len(replacement))
            self._even_from = at + 1

    def _remove(self, at: int) -> None:
        self._settle(at)
        if self._ends:
            self._ends[-1] = at + 1
        self._even_from = at + 1

    def _settle(self, at: int) -> None:
        if self._even_from == at - 1:
            self._starts.append(at - 1)
            self._ends.append(at)
        elif self._even_from < at:
            _count(self._starts, self._even_from, at, self._checkpoint)
            _count(self._ends, self._even_from + 1, at + 1, self._checkpoint)

    def _is_flag(self, at: int) -> bool:
        """Whether exactly two regional letters stand together here, which shows as a flag."""
        nearby = self._text[max(0, at - 2) : at + 3]
        middle = min(at, 2)
        before = _regionals(reversed(nearby[:middle]))
        return before + _regionals(nearby[middle + 1 :]) == 1


def _regionals(characters: Iterable[str]) -> int:
    """Return how many regional letters the characters begin with."""
    return sum(1 for _ in takewhile(_is_regional, characters))


def _is_regional(character: str) -> bool:
    return _FATES[character] is Fate.REGIONAL


def _spelling(character: str) -> str:
    """Return a character in lower case; of those in kept spellings only İ becomes two."""
    return "i" if character == "\u0130" else character.lower()

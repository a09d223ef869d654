"""Folds letters that look Latin into Latin, where the word around them says they pose as such.

A word of another script stays itself, also when each of its letters has a Latin look-alike,
unless its neighbours are Latin and none of them is a true word of another script.
"""

import re
import unicodedata
from enum import Enum
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.domain.content import FoldedText

_SCRIPTS: Final = frozenset(
    {
        "ARMENIAN",
        "CANADIAN",
        "CARIAN",
        "CHEROKEE",
        "COPTIC",
        "CYRILLIC",
        "DESERET",
        "GREEK",
        "LISU",
        "OSAGE",
    }
)
_ROUGHLY_ALIKE: Final = {
    "\u0431": "b", "в": "b", "ё": "e", "з": "e", "и": "n", "й": "n", "к": "k", "м": "m", "н": "h",
    "п": "n", "т": "t", "ц": "u", "ш": "w", "щ": "w", "ъ": "b", "ь": "b", "э": "e",
    "я": "r", "\u0433": "r", "ф": "o", "є": "e", "ї": "i", "ґ": "r",
    "β": "b", "ε": "e", "ζ": "z", "η": "n", "κ": "k", "μ": "u", "π": "n", "τ": "t", "χ": "x",
    "ω": "w", "ς": "s", "λ": "a", "θ": "o",
}  # fmt: skip
"""What a letter passes for among Latin ones, though nobody would take it for one by itself."""
_WORD: Final = re.compile(r"[^\W_]+")
_ASCII_LETTER: Final = re.compile("[a-z]")
_STEP: Final = 1_024


def _exactly_alike() -> dict[str, str]:
    table = {}
    for character, twins in confusables_data.items():
        if len(character) != 1 or unicodedata.name(character, "").split(" ")[0] not in _SCRIPTS:
            continue
        for twin in twins:
            if len(twin["c"]) == 1 and twin["c"].isascii() and twin["c"].isalpha():
                table[character] = twin["c"].lower()
    return table


_EXACTLY_ALIKE: Final = _exactly_alike()
_ALIKE: Final = str.maketrans(
    {character.lower(): latin for character, latin in _EXACTLY_ALIKE.items()}
    | {character: latin for character, latin in _EXACTLY_ALIKE.items() if character.islower()}
    | {letter: latin for letter, latin in _ROUGHLY_ALIKE.items() if letter not in _EXACTLY_ALIKE}
)
_POSER: Final = re.compile(f"[{re.escape(''.join(map(chr, _ALIKE)))}]")


class _Word(Enum):
    LATIN = "latin"
    MIXED = "mixed"
    POSING = "posing"
    FOREIGN = "foreign"


def fold_lookalikes(folded: FoldedText, as_sent: str, checkpoint: Checkpoint) -> FoldedText:
    """Return ``folded`` with posing letters replaced one by one, so that the way back holds."""
    if _ASCII_LETTER.search(folded.text) is None or _POSER.search(folded.text) is None:
        return folded
    disguise = _Disguise(folded, as_sent)
    for count, match in enumerate(_WORD.finditer(folded.text)):
        if count % _STEP == 0:
            checkpoint()
        disguise.meet(match)
    return disguise.finish()


class _Disguise:
    """Words met so far, with those that pose waiting for the next that does not."""

    def __init__(self, folded: FoldedText, as_sent: str) -> None:
        self._folded = folded
        self._as_sent = as_sent
        self._pieces: list[str] = []
        self._position = 0
        self._waiting: list[re.Match[str]] = []
        self._before: _Word | None = None

    def meet(self, match: "re.Match[str]") -> None:
        """Take in the next word."""
        word = match.group()
        if word.isdecimal():
            return
        kind = self._kind(match)
        if kind is _Word.POSING:
            self._waiting.append(match)
            return
        self._decide(kind)
        self._before = kind
        if kind is _Word.MIXED:
            self._unmask(match)

    def finish(self) -> FoldedText:
        """Return the text with every word decided."""
        self._decide(None)
        self._pieces.append(self._folded.text[self._position :])
        return FoldedText("".join(self._pieces), self._folded.starts, self._folded.ends)

    def _decide(self, after: _Word | None) -> None:
        if not self._waiting:
            return
        is_beside_foreign = self._before is _Word.FOREIGN or after is _Word.FOREIGN
        is_beside_latin = self._before is not None or after is not None
        if is_beside_latin and not is_beside_foreign:
            for match in self._waiting:
                self._unmask(match)
        self._waiting.clear()

    def _kind(self, match: "re.Match[str]") -> _Word:
        word = match.group()
        if word.isascii():
            return _Word.LATIN
        if not word.translate(_ALIKE).isascii():
            return _Word.FOREIGN
        if _ASCII_LETTER.search(word):
            return _Word.MIXED
        exact = all(self._sent(at) in _EXACTLY_ALIKE for at in range(*match.span()))
        return _Word.POSING if exact else _Word.FOREIGN

    def _unmask(self, match: "re.Match[str]") -> None:
        start, end = match.span()
        self._pieces.append(self._folded.text[self._position : start])
        for at, letter in enumerate(match.group(), start):
            latin = _EXACTLY_ALIKE.get(self._sent(at))
            self._pieces.append(latin or letter.translate(_ALIKE))
        self._position = end

    def _sent(self, at: int) -> str:
        return self._as_sent[self._folded.starts[at]]

"""Disguises a text as people do who dodge filters: leetspeak, spacing, look-alikes, emoji, typos.

Meaning and labels stay as they were. Both sides of every label are disguised alike.
"""

import random
import re
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z]{3,}")
_LEET: Final = {
    "a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!|", "l": "1|", "o": "0", "s": "5$", "t": "7+",
    "z": "2", "u": "v", "c": "(",
}  # fmt: skip
_LOOKALIKES: Final = {
    "a": "\u0430\u00e0\u00e2",
    "c": "\u0441\u00e7",
    "e": "\u0435\u00e9\u00eb",
    "i": "\u0456\u00ed\u00ef",
    "o": "\u043e\u00f6\u03bf\u00f3",
    "p": "\u0440\u03c1",
    "s": "\u0455\u0161",
    "u": "\u00f9\u00fc",
    "x": "\u0445",
    "y": "\u0443\u00fd",
    "n": "\u00f1\u0578",
    "k": "\u043a",
    "t": "\u0442",
}
_PARTERS: Final = (" ", ".", "-", "*", "_", "\u200b", " ", "/")
_EMOJI: Final = tuple("🙂🔥💀😂🤡🌈🔪❤👀🙃")
_DISGUISED_SHARE: Final = 0.35


def disguise(text: str, chooser: random.Random) -> str:
    """Return the text with some of its words disguised, at least one where it has any."""
    ways = (_leet, _lookalikes, _parted, _held, _swapped, _dropped, _starred, _glued)
    way = chooser.choice(ways)
    words = list(_WORD.finditer(text))
    if not words:
        return text
    if chooser.random() < 0.12 and len(text) < 80:
        return _spelled_out(text, chooser)
    sure = chooser.randrange(len(words))
    pieces, position = [], 0
    for number, word in enumerate(words):
        if number == sure or chooser.random() < _DISGUISED_SHARE:
            pieces.append(text[position : word.start()] + way(word.group(), chooser))
            position = word.end()
    return "".join(pieces) + text[position:]


def _substitute(word: str, table: dict[str, str], chooser: random.Random) -> str:
    return "".join(
        chooser.choice(table[letter.lower()])
        if letter.lower() in table and chooser.random() < 0.6
        else letter
        for letter in word
    )


def _leet(word: str, chooser: random.Random) -> str:
    return _substitute(word, _LEET, chooser)


def _lookalikes(word: str, chooser: random.Random) -> str:
    return _substitute(word, _LOOKALIKES, chooser)


def _parted(word: str, chooser: random.Random) -> str:
    if chooser.random() < 0.3:
        return chooser.choice(_EMOJI).join(word)
    if chooser.random() < 0.4:
        cut = chooser.randrange(1, len(word))
        return word[:cut] + chooser.choice(_PARTERS) + word[cut:]
    return chooser.choice(_PARTERS).join(word)


def _held(word: str, chooser: random.Random) -> str:
    place = chooser.randrange(len(word))
    return word[:place] + word[place] * chooser.randrange(2, 6) + word[place + 1 :]


def _swapped(word: str, chooser: random.Random) -> str:
    place = chooser.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _dropped(word: str, chooser: random.Random) -> str:
    place = chooser.randrange(len(word))
    return word[:place] + word[place + 1 :]


def _starred(word: str, chooser: random.Random) -> str:
    place = chooser.randrange(1, len(word))
    return word[:place] + chooser.choice("*#-_") + word[place + 1 :]


def _glued(word: str, chooser: random.Random) -> str:
    return word + chooser.choice(("", "z", "s", "xx", "\u200b"))


def _spelled_out(text: str, chooser: random.Random) -> str:
    gap = chooser.choice((" ", ".", "-"))
    return "   ".join(gap.join(word) for word in text.split())

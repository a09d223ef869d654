"""Reads emoji aloud by their Unicode names, for models whose vocabulary has none.

It says what a picture is called and not what somebody means by it.
"""

import re
import unicodedata
from array import array
from functools import lru_cache
from typing import Final

from gaveld.domain.content import FoldedText

_SKIN_TONES: Final = dict(
    zip(
        "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff",
        ("light skin", "light skin", "brown skin", "dark skin", "dark skin"),
        strict=True,
    )
)
_INDICATOR_A: Final = 0x1F1E6
_JOINERS: Final = "\u200d\ufe0e\ufe0f\u20e3"
_PICTURE: Final = (
    "[\U0001f000-\U0001f0ff\U0001f18e-\U0001f1ad\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
    "\u231a-\u23ff\u25b6\u2600-\u27bf\u2b05-\u2b55]"
)
_EMOJI: Final = re.compile(
    rf"([\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}|[\U0001f3fb-\U0001f3ff])[{_JOINERS}]*(?:\1[{_JOINERS}]*)*"
)
"""One emoji with what joins it to the next, however often it is repeated."""


def with_named_emoji(reading: FoldedText) -> FoldedText:
    """Return the reading with each run of one emoji replaced by its lower-case name and spaces.

    A flag is ``flag`` and its two letters. Every character of a name leads back to the whole run.
    """
    text = reading.text
    if text.isascii():
        return reading
    pieces: list[str] = []
    starts, ends = array("I"), array("I")
    position = 0
    for found in _EMOJI.finditer(text):
        first, last = found.span()
        name = f" {_name(found[1])} "
        origin = reading.original(first, last)
        pieces += text[position:first], name
        starts += reading.starts[position:first] + array("I", [origin.start]) * len(name)
        ends += reading.ends[position:first] + array("I", [origin.end]) * len(name)
        position = last
    if not pieces:
        return reading
    pieces.append(text[position:])
    return FoldedText(
        "".join(pieces), starts + reading.starts[position:], ends + reading.ends[position:]
    )


@lru_cache(maxsize=4_096)
def _name(emoji: str) -> str:
    if emoji in _SKIN_TONES:
        return _SKIN_TONES[emoji]
    if len(emoji) > 1:
        return "flag " + "".join(chr(ord(letter) - _INDICATOR_A + ord("a")) for letter in emoji)
    return unicodedata.name(emoji, "emoji").lower()

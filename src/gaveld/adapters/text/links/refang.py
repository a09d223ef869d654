"""Undoes the spellings that hide a link from programs: hxxp, [.], (dot), " dot "."""

import re
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from gaveld.domain.content import FoldedText

_DISGUISE: Final = re.compile(
    r"(?<![a-z0-9])h(?:xx|\*\*|__|tx|xt)p(?P<secure>s?)(?=\s?(?:\[?:|\[:))"
    r"|(?P<colon>\s?\[:(?://)?\]\s?)"
    r"|(?<=[\w])\s?[\[({]\s?(?:\.|dot|punkt|punto)\s?[\])}]\s?(?=[\w])"
    r"|(?<=[a-z0-9])(?P<word> dot )(?=(?:com|net|org|info|biz|io|co|ru|cn|cc|xyz|top|shop|site|"
    r"online|club|link|live|app|tk|ml)\b)",
    re.IGNORECASE,
)
_HINT: Final = re.compile(
    r"h(?:xx|\*\*|__|tx|xt)p|\[:|[\[({]\s?(?:\.|dot|pun)| dot ", re.IGNORECASE
)

# Before " dot com" and " dot net" these speak of the web, not of one site of it.
_TALK_OF_THE_WEB: Final = re.compile(
    r"\b(?:a|an|and|another|big|early|every|first|in|is|my|of|old|or|our|that|the|their|this|was|"
    r"your)\Z",
    re.IGNORECASE,
)
_LONGEST_WORD_OF_TALK: Final = 8


@dataclass(frozen=True, slots=True)
class Refanged:
    """A text with its hidden links made plain, and where in it something was undone."""

    reading: FoldedText
    undone: list[int]

    def is_hidden(self, start: int, end: int) -> bool:
        """Whether something was undone between two positions of the reading."""
        index = bisect_left(self.undone, start)
        return index < len(self.undone) and self.undone[index] < end


def refang(text: str) -> Refanged | None:
    """Return a text with its hidden links made plain, or None if it hides none."""
    if not _HINT.search(text):
        return None
    pieces: list[str] = []
    starts, ends = array("I"), array("I")
    undone: list[int] = []
    position = 0
    for disguise in _DISGUISE.finditer(text):
        plain = _plain(text, disguise)
        if plain is None:
            continue
        start, end = disguise.span()
        pieces.append(text[position:start])
        starts.extend(range(position, start))
        ends.extend(range(position + 1, start + 1))
        undone.append(len(starts))
        pieces.append(plain)
        starts.extend([start] * len(plain))
        ends.extend([end] * len(plain))
        position = end
    if not undone:
        return None
    pieces.append(text[position:])
    starts.extend(range(position, len(text)))
    ends.extend(range(position + 1, len(text) + 1))
    return Refanged(FoldedText("".join(pieces), starts, ends), undone)


def _plain(text: str, disguise: re.Match[str]) -> str | None:
    if disguise["secure"] is not None:
        return "http" + disguise["secure"]
    if disguise["colon"]:
        return "://" if "/" in disguise["colon"] else ":"
    start = disguise.start()
    if disguise["word"] and _TALK_OF_THE_WEB.search(
        text[max(0, start - _LONGEST_WORD_OF_TALK) : start]
    ):
        return None
    return "."

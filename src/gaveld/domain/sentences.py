"""Where sentences end. It knows marks, line breaks and some abbreviations, and no language."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from gaveld.domain.content import Span

LONGEST_WORD: Final = 32

_ENDS_AT_ONCE: Final = frozenset("!?\u2026\u3002\uff01\uff1f\u061f\u0964\n\r\u2028\u2029")
_ABBREVIATIONS: Final = frozenset(
    {"approx", "dept", "dr", "etc", "fig", "jr", "mr", "mrs", "ms", "mt", "prof", "sr", "st", "vs"}
    | {"www"}
)
_AFTER_END: Final = frozenset(".!?\u2026\u3002\uff01\uff1f\u061f\"'”’»)]}")
_AROUND_WORDS: Final = "\"'“”\u2018’«»()[]*_-—"


def sentence_spans(text: str) -> Iterator[Span]:
    """Yield the spans of a text's sentences in order, without the white space around them.

    The marks and closing quotes right after its end belong to a sentence, and so does a stretch
    after it that says nothing. A full stop ends one only before white space, and not after a known
    abbreviation or the number of an item. Only white space has no sentence.
    """
    said: Span | None = None
    is_told = False  # whether it says anything yet
    for piece in _pieces(text):
        tells = not all(is_silent(character) for character in text[piece.start : piece.end])
        if said is None:
            said, is_told = piece, tells
        elif tells and is_told:
            yield said
            said = piece
        else:
            said, is_told = Span(said.start, piece.end), is_told or tells
    if said is not None:
        yield said


def ends_sentence(text: str, start: int, index: int) -> bool:
    """Return whether the character at ``index`` ends a sentence, whatever follows.

    ``start`` is where the text that may be looked at begins.
    """
    character = text[index]
    if character in _ENDS_AT_ONCE:
        return True
    if character != ".":
        return False
    # Nothing is known of what follows, so only the word before can tell an end from a number, an
    # address or an abbreviation.
    word = _word_before(text, start, index).replace("'", "").replace("’", "")
    is_word = len(word) > 1 and word.replace("-", "").isalpha()
    return is_word and word.lower() not in _ABBREVIATIONS


@lru_cache(maxsize=4_096)
def is_silent(character: str) -> bool:
    """Whether a character says nothing by itself: punctuation, white space, an invisible one."""
    category = unicodedata.category(character)
    return character.isspace() or category[0] == "P" or category in {"Cc", "Cf"}


def _pieces(text: str) -> Iterator[Span]:
    start = index = 0
    while index < len(text):
        mark, index = index, index + 1
        if text[mark] != "." and text[mark] not in _ENDS_AT_ONCE:
            continue
        while index < len(text) and text[index] in _AFTER_END:
            index += 1
        if text[mark] != "." or (_at_gap(text, index) and _ends(text, start, mark)):
            yield from _trimmed(text, start, index)
            start = index
    yield from _trimmed(text, start, len(text))


def _at_gap(text: str, index: int) -> bool:
    return index == len(text) or text[index].isspace()


def _ends(text: str, start: int, stop: int) -> bool:
    word = _word_before(text, start, stop)
    if word.isdigit():  # "It was in 1984. Then" has an end, and "1. Wash your hands" has none.
        return bool(text[start : stop - len(word)].strip())
    is_initial = len(word.rpartition(".")[2]) == 1 and word[-1].isalpha() and word.isascii()
    return not is_initial and word.lower() not in _ABBREVIATIONS


def _word_before(text: str, start: int, stop: int) -> str:
    first = stop
    while first > max(start, stop - LONGEST_WORD) and not text[first - 1].isspace():
        first -= 1
    return text[first:stop].strip(_AROUND_WORDS)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Span(start, end)

"""Cuts a text into the stretches that the linear model reads: overlapping windows, sentences."""

import re
from collections.abc import Iterator
from typing import Final

WINDOW_CHARACTERS: Final = 600
STRIDE_CHARACTERS: Final = 400
SENTENCE_CHARACTERS: Final = 16
"""A shorter sentence is read together with the next."""
_WORD_REACH: Final = 40
_SENTENCE: Final = re.compile(r"\S(?:[^.!?\n]|[.!?](?![\s\"'”’)]))*[.!?\n]*[\"'”’)]*")


def windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges that cover a text, each of at most ``WINDOW_CHARACTERS``.

    A text that fits is one window. Neighbours overlap by about a third, so that no sentence of
    ordinary length is seen in halves only, and a cut falls on white space where some is near.
    """
    start = 0
    while len(text) - start > WINDOW_CHARACTERS:
        yield start, _at_space(text, start + WINDOW_CHARACTERS)
        start = _at_space(text, start + STRIDE_CHARACTERS)
    yield start, len(text)


def sentences(
    text: str, first: int, last: int, least: int = SENTENCE_CHARACTERS
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the sentences and lines in ``text[first:last]``, in order.

    They leave out nothing visible, and each but the last is ``least`` characters or longer:
    shorter ones are joined to the next.
    """
    begun = None
    end = 0
    for found in _SENTENCE.finditer(text, first, last):
        begun = found.start() if begun is None else begun
        end = found.start() + len(found[0].rstrip())
        if end - begun >= least:
            yield begun, end
            begun = None
    if begun is not None:
        yield begun, end


def _at_space(text: str, position: int) -> int:
    for candidate in range(position, position - _WORD_REACH, -1):
        if text[candidate].isspace():
            return candidate
    return position

"""From logits of tokens to the words that a finding points at, in code points of a view."""

import string
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from gaveld.adapters.text.transformer_model.engine import Numbers
from gaveld.adapters.text.transformer_model.passages import Passage

NEAR_THE_STRONGEST: Final = 0.8
"""A word is pointed at if it has this share of its passage's strongest word's probability, too."""

_FUNCTION_WORDS: Final = """
a an and are as at be but by for from he her his i if in is it its my not of on or our she so that
the their them they this to us was we were with you your
"""
FUNCTION_WORDS: Final = frozenset(_FUNCTION_WORDS.split())
"""A stretch of nothing but these is no span: marked phrases hold them, and teach them."""

_GAP_CHARACTERS: Final = 3
_PUNCTUATION: Final = frozenset(string.punctuation + string.whitespace)


def peaks(logits: Numbers) -> list[float]:
    """Return the highest probability of each token kind in a passage, 0 for one without words.

    ``logits`` is as ``telling_words`` takes it. A kind whose peak is below the threshold marks
    nothing, so nobody needs to ask.
    """
    highest = logits[1:-1].max(axis=0, initial=-np.inf)
    found: list[float] = (1 / (1 + np.exp(-highest))).tolist()
    return found


def telling_words(
    passage: Passage, logits: Numbers, kinds: Sequence[int], threshold: float
) -> list[tuple[int, int]]:
    """Return the ranges of the words that the token head marks, in the order of the text.

    ``logits`` is ``[tokens, token kinds]`` with the marks at both ends; ``threshold`` is the
    probability that a word has to reach. A word counts with its strongest token. The words are
    those of the first of ``kinds`` that marks any.
    """
    for kind in kinds:
        scores = 1 / (1 + np.exp(-logits[1:-1, kind]))
        highest = scores.max(initial=0.0)
        marked = np.flatnonzero(scores >= max(threshold, NEAR_THE_STRONGEST * highest))
        if len(marked):
            words = {passage.words[token] for token in marked.tolist()}
            return _ranges(passage, words)
    return []


def joined(text: str, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, those made one that touch or have only blanks between them.

    Blanks are up to three characters that are neither letters nor digits. Ranges of nothing,
    of ASCII punctuation alone, or of function words alone, are left out.
    """
    ordered = sorted(
        (start, end)
        for start, end in ranges
        if start < end and not _PUNCTUATION.issuperset(text[start:end])
    )
    whole: list[tuple[int, int]] = []
    for start, end in ordered:
        if whole and _is_blank(text[whole[-1][1] : start]):
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return [place for place in whole if not FUNCTION_WORDS.issuperset(_words(text, *place))]


def _words(text: str, start: int, end: int) -> list[str]:
    return [word.strip(string.punctuation) for word in text[start:end].lower().split()]


def _is_blank(gap: str) -> bool:
    return len(gap) <= _GAP_CHARACTERS and not any(character.isalnum() for character in gap)


def _ranges(passage: Passage, words: set[int]) -> list[tuple[int, int]]:
    ranges: dict[int, tuple[int, int]] = {}
    for (start, end), word in zip(passage.offsets, passage.words, strict=True):
        if word in words:
            ranges[word] = (ranges.get(word, (start, end))[0], end)
    return list(ranges.values())

"""From logits of tokens to the words that a finding points at, in code points of a view."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from gaveld.adapters.text.transformer_model.engine import Numbers
from gaveld.adapters.text.transformer_model.passages import Passage

_GAP_CHARACTERS: Final = 3


def telling_words(
    passage: Passage, logits: Numbers, kinds: Sequence[int], threshold_logit: float
) -> list[tuple[int, int]]:
    """Return the ranges of the words that the token head marks, in the order of the text.

    ``logits`` is ``[tokens, token kinds]`` with the marks at both ends. A word counts with its
    strongest token. The words are those of the first of ``kinds`` that marks any.
    """
    for kind in kinds:
        marked = np.flatnonzero(logits[1:-1, kind] >= threshold_logit)
        if len(marked):
            words = {passage.words[token] for token in marked.tolist()}
            return _ranges(passage, words)
    return []


def joined(text: str, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, those made one that touch or have only blanks between them.

    Blanks are up to three characters that are neither letters nor digits. Empty ranges are left
    out.
    """
    ordered = sorted((start, end) for start, end in ranges if start < end)
    whole: list[tuple[int, int]] = []
    for start, end in ordered:
        if whole and _is_blank(text[whole[-1][1] : start]):
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def _is_blank(gap: str) -> bool:
    return len(gap) <= _GAP_CHARACTERS and not any(character.isalnum() for character in gap)


def _ranges(passage: Passage, words: set[int]) -> list[tuple[int, int]]:
    ranges: dict[int, tuple[int, int]] = {}
    for (start, end), word in zip(passage.offsets, passage.words, strict=True):
        if word in words:
            ranges[word] = (ranges.get(word, (start, end))[0], end)
    return list(ranges.values())

"""The sentences of one text: which to ask the heads about, and what they say of the most telling.

A stream's sentences come back while they are the context of those after them, so their scores are
remembered, under digests.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from gaveld.adapters.reviewers.embedded.latest import Latest
from gaveld.adapters.reviewers.embedded.texts import sentences
from gaveld.application.ports import HeadScores

FEW: Final = 16
"""A text of more sentences is no stretch of a stream, and its sentences are not remembered."""


class Said:
    """Whatever ``remembered`` knows when it is made is not asked about again."""

    def __init__(self, text: str, remembered: Latest[HeadScores]) -> None:
        said = sentences(text)
        self._remembered = remembered
        self._scores: dict[bytes, HeadScores] = {}
        self._unknown: list[bytes] = []
        self.groups: list[Sequence[str]] = []
        """What to ask about, each group by itself."""
        if len(said) > FEW:
            self.groups.append(said)
            return
        for sentence in dict.fromkeys(said):
            key = hashlib.blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=16)
            scores = remembered.find(key.digest())
            if scores is None:
                self._unknown.append(key.digest())
                self.groups.append((sentence,))
            else:
                self._scores[key.digest()] = scores

    def most_telling(self, asked: Sequence[HeadScores]) -> HeadScores | None:
        """Return what heads say of the most telling sentence; None for a text that has only one.

        ``asked`` is what they say of each group.
        """
        for key, scores in zip(self._unknown, asked, strict=False):  # a whole group has no key
            self._scores[key] = scores
            self._remembered.keep(key, scores)
        every = list(self._scores.values()) or list(asked)
        if not every:
            return None
        return tuple(
            {category_id: max(head[category_id] for head in heads) for category_id in heads[0]}
            for heads in zip(*every, strict=True)
        )

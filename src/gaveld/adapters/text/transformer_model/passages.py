"""Cuts a text into the passages of tokens that the transformer reads, and knows where each stood.

The work is bounded whatever the text: of one that is too long, the beginning and the end are read
and the middle is named as unread. Nothing here knows what the tokens mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.transformer_model.engine import Ids

MAX_PASSAGES: Final = 64
"""About so many passages of one text are read; a longer text is not read in its middle."""

_STRETCH_CHARACTERS: Final = 4_096
_SPACE_REACH: Final = 128
_WORD_REACH: Final = 16
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Passage:
    """Some tokens of a text in the form that an engine takes.

    ``ids`` is ``[tokens]`` and includes the marks at both ends. ``offsets`` are the half-open code
    points of each token between the marks, and ``words`` numbers the word that each belongs to.
    """

    ids: Ids
    offsets: tuple[tuple[int, int], ...]
    words: tuple[int, ...]

    @property
    def key(self) -> bytes:
        """What is the same for passages that read the same, and for no others."""
        return self.ids.tobytes()


@dataclass(frozen=True, slots=True)
class Cut:
    """A text's passages, of which there is at least one, and how much of it they leave out."""

    passages: tuple[Passage, ...]
    unread_characters: int = 0


@dataclass(slots=True)
class _Run:
    """Tokens that follow each other, lists of the same length."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    words: list[int]

    def part(self, start: int, end: int) -> "_Run":
        return _Run(self.ids[start:end], self.offsets[start:end], self.words[start:end])


class PassageCutter:
    """Tokenises texts. Safe to call from several threads.

    ``tokenizer`` is a Hugging Face ``tokenizer.json`` that puts one mark before a text and one
    after it; ``ValueError`` is raised for any other. Passages have up to ``max_tokens`` tokens,
    marks included, and share ``overlap`` of them with the next.
    """

    def __init__(self, tokenizer: Path, max_tokens: int, overlap: int) -> None:
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the library raises no narrower kind
            raise ValueError(f"{tokenizer.name} is no tokenizer") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        marks = self._tokenizer.encode("").ids
        if len(marks) != _MARKS:
            raise ValueError(f"{tokenizer.name} puts {len(marks)} marks around a text, not 2")
        self._before, self._after = marks
        self._size = max_tokens - _MARKS
        self._overlap = overlap
        self._most_tokens = MAX_PASSAGES * (self._size - overlap)

    def cut(self, text: str, checkpoint: Checkpoint) -> Cut:
        """Return the passages of a text. The checkpoint is passed every few milliseconds."""
        if not text.isascii():
            text = _SURROGATE.sub("\ufffd", text)
        stretches = list(_stretches(text))
        head, read = self._from_start(text, stretches, checkpoint)
        if len(head.ids) <= self._most_tokens and read == len(stretches):
            return Cut(tuple(self._windows(head)))
        half = self._most_tokens // 2
        tail = self._from_end(text, stretches, half, checkpoint)
        head, tail = head.part(0, half), tail.part(len(tail.ids) - half, len(tail.ids))
        unread = max(1, tail.offsets[0][0] - head.offsets[-1][1])
        return Cut((*self._windows(head), *self._windows(tail)), unread)

    def _from_start(
        self, text: str, stretches: list[tuple[int, int]], checkpoint: Checkpoint
    ) -> tuple[_Run, int]:
        run, read = _Run([], [], []), 0
        while read < len(stretches) and len(run.ids) <= self._most_tokens:
            checkpoint()
            found = self._tokens(text, *stretches[read])
            first = run.words[-1] + 1 if run.words else 0
            run.ids += found.ids
            run.offsets += found.offsets
            run.words += [first + word for word in found.words]
            read += 1
        return run, read

    def _from_end(
        self, text: str, stretches: list[tuple[int, int]], wanted: int, checkpoint: Checkpoint
    ) -> _Run:
        found: list[_Run] = []
        while sum(len(run.ids) for run in found) < wanted:
            checkpoint()
            found.append(self._tokens(text, *stretches[-1 - len(found)]))
        whole = _Run([], [], [])
        for run in reversed(found):
            first = whole.words[-1] + 1 if whole.words else 0
            whole.ids += run.ids
            whole.offsets += run.offsets
            whole.words += [first + word for word in run.words]
        return whole

    def _tokens(self, text: str, start: int, end: int) -> _Run:
        found = self._tokenizer.encode(text[start:end], add_special_tokens=False)
        offsets = [(start + first, start + last) for first, last in found.offsets]
        return _Run(found.ids, offsets, [word or 0 for word in found.word_ids])

    def _windows(self, run: _Run) -> Iterator[Passage]:
        start = 0
        while True:
            end = min(start + self._size, len(run.ids))
            part = run.part(start, end)
            yield Passage(
                np.array([self._before, *part.ids, self._after], np.int64),
                tuple(part.offsets),
                tuple(part.words),
            )
            if end == len(run.ids):
                return
            start = self._word_start(run, end - self._overlap, start)

    @staticmethod
    def _word_start(run: _Run, position: int, after: int) -> int:
        for candidate in range(position, max(after, position - _WORD_REACH), -1):
            if run.words[candidate] != run.words[candidate - 1]:
                return candidate
        return position


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Yield ranges that part a text, cut at white space where some is near."""
    start = 0
    while len(text) - start > _STRETCH_CHARACTERS:
        end = start + _STRETCH_CHARACTERS
        near = range(end, end - _SPACE_REACH, -1)
        end = next((place for place in near if text[place].isspace()), end)
        yield start, end
        start = end
    yield start, len(text)


_MARKS: Final = 2

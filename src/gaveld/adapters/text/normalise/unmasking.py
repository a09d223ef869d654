"""Unmasks words in a folded text: spelled out, leetspeak, held letters, parted by marks.

Likely readings replace what they were read from; less likely ones become variants beside it.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.normalise import leetspeak, repeats, spacing
from gaveld.adapters.text.normalise.identifiers import is_identifier
from gaveld.domain.content import FoldedText, Variant

_WINDOW: Final = 2_048
_CUT: Final = re.compile(r"(?<=[^\W\d_]{2})\s+(?=[^\W\d_]{2})")
_TOKEN: Final = re.compile(r"\S+")
_MOST_VARIANTS: Final = 8
_WORD: Final = re.compile(
    rf"[a-z0-9{re.escape(leetspeak.SUBSTITUTES)}]+|[\u0430-\u044f\u0451\u03b1-\u03c9]+"
)
_LETTERS: Final = re.compile(r"[a-z\u0430-\u044f\u0451\u03b1-\u03c9]+")
_HINTS: Final = (repeats.HINT, leetspeak.HINT, spacing.PARTED_HINT)
_SURROUNDINGS: Final = 64


def unmask(
    as_sent: str, folded: FoldedText, checkpoint: Checkpoint
) -> tuple[FoldedText, tuple[Variant, ...]]:
    """Return the likeliest reading of a text, and the variants, in no order."""
    unmasking = _Unmasking(as_sent, folded)
    for start, end in _windows(folded.text):
        checkpoint()
        unmasking.read(start, end)
    return unmasking.finish()


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield ranges that cover the text, cut between words where no run of letters can pass."""
    start = 0
    while len(text) - start > 2 * _WINDOW:
        cut = _CUT.search(text, start + _WINDOW, start + 2 * _WINDOW)
        end = cut.end() if cut else start + 2 * _WINDOW
        yield start, end
        start = end
    yield start, len(text)


class _Edit(NamedTuple):
    """A stretch of folded text, what it reads, and where each character of that began."""

    start: int
    end: int
    text: str
    offsets: Sequence[int]


class _Unmasking:
    """The unmasked text so far, and how far into the folded text it reaches."""

    def __init__(self, as_sent: str, folded: FoldedText) -> None:
        self._as_sent = as_sent
        self._folded = folded
        self._pieces: list[str] = []
        self._starts = array("I")
        self._ends = array("I")
        self._reached = 0
        self._variants: list[Variant] = []

    def read(self, start: int, end: int) -> None:
        """Unmask one window of the folded text."""
        text = self._folded.text
        spelled: list[tuple[int, int]] = []
        edits: list[_Edit] = []
        for word in spacing.spelled_out(text, start, end, self._sent):
            if not is_identifier(_around(text, word.offsets[0], word.end)):
                spelled.append((word.offsets[0], word.end))
                edits.extend(self._join(word))
        for token in _suspicious_tokens(text, start, end, spelled):
            edits.extend(self._read_token(token.group(), token.start()))
        edits.sort()
        for edit in edits:
            self._apply(edit)

    def finish(self) -> tuple[FoldedText, tuple[Variant, ...]]:
        """Return what was read."""
        variants = tuple(self._variants)
        if not self._pieces:
            return self._folded, variants
        self._copy(len(self._folded.text))
        return FoldedText("".join(self._pieces), self._starts, self._ends), variants

    def _join(self, word: spacing.Spelled) -> Iterator[_Edit]:
        """Read a word that was spelled out."""
        start = word.offsets[0]
        readings = leetspeak.readings(word.text)
        yield from self._settle(start, word.end, readings, word.offsets, is_sure=word.is_sure)
        likeliest = readings[0]
        core = spacing.without_company(likeliest)
        if core is not None:
            first, last = core
            self._vary(likeliest[first:last], word.offsets[first], word.offsets[last - 1] + 1)
        rest = spacing.continued(self._folded.text, word.end)
        if rest is not None:
            self._vary(likeliest + rest.text, start, rest.end)

    def _read_token(self, token: str, at: int) -> Iterator[_Edit]:
        """Read a token without white space, in which nothing is spelled out."""
        if is_identifier(token):
            return
        for word in _WORD.finditer(token):
            yield from self._read_word(word.group(), at + word.start())
        for start, end, joined in spacing.parted(token):
            self._vary(joined, at + start, at + end)

    def _read_word(self, word: str, at: int) -> Iterator[_Edit]:
        """Read one word of a token: letters, digits and symbols that may be letters."""
        decoded = None
        if leetspeak.HINT.search(word):
            sent = self._as_sent[self._folded.starts[at] : self._folded.ends[at + len(word) - 1]]
            decoded = leetspeak.decode(word, sent)
        if decoded is not None:
            start = at + decoded.start
            end = start + len(decoded.readings[0])
            offsets = range(start, end)
            yield from self._settle(start, end, decoded.readings, offsets, is_sure=decoded.is_sure)
            if decoded.has_number:
                self._vary(decoded.readings[0], start, end)
        elif repeats.HINT.search(word):
            for letters in _LETTERS.finditer(word):
                start, end = at + letters.start(), at + letters.end()
                one = (letters.group(),)
                yield from self._settle(start, end, one, range(start, end), is_sure=True)

    def _settle(
        self,
        start: int,
        end: int,
        readings: Sequence[str],
        offsets: Sequence[int],
        *,
        is_sure: bool,
    ) -> Iterator[_Edit]:
        """Shorten the readings of a stretch; yield the first if it is sure, keep the others."""
        texts: list[str] = []
        for reading in readings:
            shortened = repeats.shorten(reading)
            if shortened is None:
                texts.append(reading)
                continue
            texts += (shortened.text, *shortened.others)
            if reading is readings[0]:
                offsets = [offsets[kept] for kept in shortened.offsets]
        unchanged = self._folded.text[start:end]
        if is_sure and texts[0] != unchanged:
            yield _Edit(start, end, texts[0], offsets)
        already = {unchanged, texts[0]} if is_sure else {unchanged}
        for text in list(dict.fromkeys(texts))[:_MOST_VARIANTS]:
            if text not in already:
                self._vary(text, start, end)

    def _vary(self, text: str, start: int, end: int) -> None:
        self._variants.append(Variant(text, self._folded.original(start, end)))

    def _sent(self, at: int) -> str:
        return self._as_sent[self._folded.starts[at]]

    def _apply(self, edit: _Edit) -> None:
        """Write an edit that begins no earlier than the last one ended."""
        self._copy(edit.start)
        folded = self._folded
        self._pieces.append(edit.text)
        self._starts.extend([folded.starts[offset] for offset in edit.offsets])
        self._ends.extend([folded.ends[offset - 1] for offset in edit.offsets[1:]])
        self._ends.append(folded.ends[edit.end - 1])
        self._reached = edit.end

    def _copy(self, until: int) -> None:
        folded = self._folded
        self._pieces.append(folded.text[self._reached : until])
        self._starts += folded.starts[self._reached : until]
        self._ends += folded.ends[self._reached : until]
        self._reached = until


def _suspicious_tokens(
    text: str, start: int, end: int, spelled: Sequence[tuple[int, int]]
) -> Iterator["re.Match[str]"]:
    """Yield the tokens in which something hints at a disguise, outside what is spelled out."""
    hits = [hit.start() for hint in _HINTS for hit in hint.finditer(text, start, end)]
    if not hits:
        return
    hits.sort(reverse=True)
    taken = [*reversed(spelled)]
    for token in _TOKEN.finditer(text, start, end):
        first, last = token.span()
        while taken and taken[-1][1] <= first:
            taken.pop()
        is_hit = False
        while hits and hits[-1] < last:
            hits.pop()
            is_hit = True
        if is_hit and not (taken and taken[-1][0] < last):
            yield token


def _around(text: str, start: int, end: int) -> str:
    """Return the token that a run of letters stands in, with one letter in place of the run."""
    before = text[max(0, start - _SURROUNDINGS) : start]
    after = text[end : end + _SURROUNDINGS]
    left = "" if not before or before[-1].isspace() else before.split()[-1]
    right = "" if not after or after[0].isspace() else after.split()[0]
    return f"{left}a{right}"

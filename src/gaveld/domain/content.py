"""What is judged: a text as it was sent, the readings made of it, and positions in it.

Positions inside Gavel are code points of the text as sent, half open. Bytes and UTF-16 units
exist only at the edge, where ``OffsetTable`` makes them.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gaveld.domain.policies import Policy

UNKNOWN_LANGUAGE: Final = "und"


class Span(NamedTuple):
    """Half-open range ``[start, end)`` in code points of the text as sent."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A reading of a text with disguises removed, and the way back to the text as sent.

    ``starts[i]`` and ``ends[i]`` bound the code points of the original that the i-th code point
    of ``text`` was read from; both are non-decreasing and as long as ``text``.
    """

    text: str
    starts: "array[int]"
    ends: "array[int]"

    @classmethod
    def identity(cls, text: str) -> "FoldedText":
        """Return the reading that changes nothing."""
        return cls(text, array("I", range(len(text))), array("I", range(1, len(text) + 1)))

    def original(self, start: int, end: int) -> Span:
        """Return the range of the text as sent that ``text[start:end]`` was read from.

        Requires ``0 <= start < end <= len(text)``.
        """
        return Span(self.starts[start], self.ends[end - 1])


class Variant(NamedTuple):
    """Another reading of one stretch, such as ``"ass"`` beside ``"as"`` for ``"asssss"``."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class TextReadings:
    """A text and what it says once disguises are removed.

    ``folded`` undoes what changes characters only (width, case, marks, invisible characters,
    look-alikes). ``unmasked`` also undoes what changes words (leetspeak, spacing, repeats, emoji
    between letters), in the likeliest reading; ``variants`` hold the other likely ones.
    """

    as_sent: str
    folded: FoldedText
    unmasked: FoldedText
    variants: tuple[Variant, ...] = ()

    @classmethod
    def plain(cls, text: str) -> "TextReadings":
        """Return readings of a text that hides nothing."""
        same = FoldedText.identity(text)
        return cls(text, same, same)


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """The language of a text: a BCP 47 code, or ``und`` where a guess would be wild.

    Where the script is plain and the language is not, the code has both, as in ``und-Cyrl``; a
    text in several scripts is ``mul``. ``confidence`` is a probability 0–1, and 0 for ``und``.
    """

    code: str = UNKNOWN_LANGUAGE
    confidence: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether a language was detected, not only a script."""
        return self.base != UNKNOWN_LANGUAGE

    @property
    def base(self) -> str:
        """The code's first subtag, such as ``en`` of ``en-GB``."""
        return self.code.partition("-")[0]


def is_unexpected(language: DetectedLanguage, policy: Policy, expected_language: str = "") -> bool:
    """Whether a language was told and is none of those expected: the call's, or the policy's."""
    expected = policy.expected_languages
    if expected_language:
        expected = frozenset({expected_language.partition("-")[0].lower()})
    return bool(expected) and language.is_known and language.base not in expected


@dataclass(frozen=True, slots=True)
class TextSubmission:
    """A text to judge, the language its sender expects (BCP 47), and terms to block in it.

    ``wants_sentence_scores`` asks for the traits of each sentence too.
    """

    text: str
    expected_language: str = ""
    blocked_terms: tuple[str, ...] = ()
    wants_sentence_scores: bool = False


@dataclass(frozen=True, slots=True)
class TextSample:
    """What a text classifier is given: the readings, the language and the policy in force."""

    readings: TextReadings
    language: DetectedLanguage
    policy: Policy
    blocked_terms: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text as sent."""
        return self.readings.as_sent


class Offsets(NamedTuple):
    """One position in three units: code points, UTF-8 bytes and UTF-16 code units."""

    code_point: int
    byte: int
    utf16: int


class OffsetTable:
    """Turns code-point positions of one text into UTF-8 byte and UTF-16 offsets.

    Built in one pass over the characters that need more than one unit, so that an ASCII text
    costs nothing and a look-up costs a binary search.
    """

    def __init__(self, text: str) -> None:
        self._marks: list[Offsets] = [Offsets(0, 0, 0)]
        if text.isascii():
            return
        extra_bytes = extra_units = 0
        for index, character in enumerate(text):
            if character < "\x80":
                continue
            extra_bytes += 1 if character < "\u0800" else 2 if character < "\U00010000" else 3
            extra_units += character >= "\U00010000"
            after = index + 1
            self._marks.append(Offsets(after, after + extra_bytes, after + extra_units))

    def at(self, code_point: int) -> Offsets:
        """Return the offsets of a position between 0 and the text's length."""
        index = bisect_left(self._marks, code_point + 1, key=lambda mark: mark.code_point) - 1
        mark = self._marks[index]
        ahead = code_point - mark.code_point
        return Offsets(code_point, mark.byte + ahead, mark.utf16 + ahead)


def mask(text: str, spans: Iterable[Span], character: str = "*") -> str:
    """Return ``text`` with each spanned code point replaced, white space kept, length unchanged."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if end <= position:
            continue
        hidden = max(start, position)
        pieces.append(text[position:hidden])
        pieces.extend(c if c.isspace() else character for c in text[hidden:end])
        position = end
    pieces.append(text[position:])
    return "".join(pieces)

"""What is kept of a video for reviewers to see and read: a few frames, and its words.

Both are bounded, however long the video. What every frame and every line came to is not kept here
but in findings.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from gaveld.application.ports import FrameEncoder
from gaveld.domain.actions import Action
from gaveld.domain.media import Frame
from gaveld.domain.reviews import FrameEvidence, ImageEvidence

MOST_TELLING: Final = 8
"""So many frames are kept because of what was found in them,"""
MOST_SPREAD: Final = 8
"""and so many because they are spread over the video."""

MOST_CHARACTERS: Final = 32_768
"""So much of a video's words is kept."""
REMEMBERED_LINES: Final = 256
"""A line that stood among the last so many is not kept again: captions stay on for many frames."""

Rank = tuple[Action, float]
"""How much a frame tells: what the policy asks for because of it, and the highest score."""


@dataclass(frozen=True, slots=True)
class _Kept:
    rank: Rank
    evidence: FrameEvidence


class Album:
    """Keeps the frames that tell most, of equal ones the earlier, and some from all over."""

    def __init__(self, encoder: FrameEncoder) -> None:
        self._encoder = encoder
        self._telling: list[_Kept] = []
        self._spread: dict[int, FrameEvidence] = {}
        self._stride = 1

    async def add(self, frame: Frame, text: str, description: str, rank: Rank) -> None:
        """Take the next frame, the text read in it, what it shows, and how much it tells."""
        tells = rank > (Action.ALLOW, 0.0) and (
            len(self._telling) < MOST_TELLING or rank > self._telling[-1].rank
        )
        is_spread = frame.index % self._stride == 0
        if not tells and not is_spread:
            return
        data = await self._encoder.encode(frame)
        sha256 = hashlib.sha256(data).hexdigest()
        image = ImageEvidence(data, "image/jpeg", sha256, text, description)
        evidence = FrameEvidence(frame.start_seconds, image)
        if tells:
            self._telling.append(_Kept(rank, evidence))
            self._telling.sort(key=lambda kept: kept.rank, reverse=True)
            del self._telling[MOST_TELLING:]
        if is_spread:
            self._spread[frame.index] = evidence
            self._thin_out()

    def frames(self) -> tuple[FrameEvidence, ...]:
        """Return what is kept, in the order of time."""
        every = [*(kept.evidence for kept in self._telling), *self._spread.values()]
        once = {evidence.seconds: evidence for evidence in every}
        return tuple(once[seconds] for seconds in sorted(once))

    def _thin_out(self) -> None:
        while len(self._spread) > MOST_SPREAD:
            self._stride *= 2
            self._spread = {
                index: kept for index, kept in self._spread.items() if index % self._stride == 0
            }


@dataclass(frozen=True, slots=True)
class _Line:
    text: str = field(repr=False)
    tells: bool


class Transcript:
    """Keeps what is said, subtitled and written in a video, each line once.

    When it is too much, every second line in which nothing was found goes first.
    """

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._characters = 0
        self._lately: OrderedDict[bytes, None] = OrderedDict()

    def add(self, text: str, *, tells: bool) -> None:
        """Take the next line; ``tells``: something was found in it."""
        line = " ".join(text.split())[:MOST_CHARACTERS]
        if not line or self._is_remembered(line):
            return
        self._lines.append(_Line(line, tells))
        self._characters += len(line) + 1
        while self._characters > MOST_CHARACTERS and len(self._lines) > 1:
            self._thin_out()

    def text(self) -> str:
        """Return the lines that are kept."""
        return "\n".join(line.text for line in self._lines)

    def _is_remembered(self, line: str) -> bool:
        key = hashlib.blake2b(line.casefold().encode("utf-8", "replace"), digest_size=16).digest()
        was_there = key in self._lately
        self._lately[key] = None
        self._lately.move_to_end(key)
        if len(self._lately) > REMEMBERED_LINES:
            self._lately.popitem(last=False)
        return was_there

    def _thin_out(self) -> None:
        plain = [place for place, line in enumerate(self._lines) if not line.tells]
        dropped = set((plain or range(len(self._lines)))[::2])
        self._lines = [line for place, line in enumerate(self._lines) if place not in dropped]
        self._characters = sum(len(line.text) + 1 for line in self._lines)

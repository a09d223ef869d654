"""The words of a picture as one text to be judged, and the way back to where they stand in it.

Reading them is the adapters', judging them the text path's.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gaveld.domain.image_signals import BoundingBox, ImageCode, ImageFinding, ImageText
from gaveld.domain.signals import Finding

MOST_CHARACTERS: Final = 65_536
"""So much of what is written in one picture is judged; more is on no picture that people read."""


class _Line(NamedTuple):
    start: int
    end: int
    frame_index: int
    box: BoundingBox | None


@dataclass(frozen=True, slots=True)
class PictureText:
    """What is written in a picture, line by line, and what its codes say.

    A line that several frames show stands in it once, where it was read first. ``is_cut``: there
    was more than ``MOST_CHARACTERS``.
    """

    text: str = field(repr=False)
    is_cut: bool
    _lines: tuple[_Line, ...]

    @classmethod
    def of(cls, texts: Iterable[ImageText], codes: Iterable[ImageCode]) -> "PictureText":
        """Return the text of what was read, in the order of reading, codes last."""
        seen: set[str] = set()
        words: list[str] = []
        lines: list[_Line] = []
        length, is_cut = 0, False
        read: list[ImageText | ImageCode] = [*texts, *codes]
        for entry in read:
            said = entry.text.strip()
            if not said or said in seen:
                continue
            seen.add(said)
            start = length + 1 if words else 0
            kept = said[: MOST_CHARACTERS - start]
            if kept:
                length = start + len(kept)
                words.append(kept)
                lines.append(_Line(start, length, entry.frame_index, entry.box))
            if len(kept) < len(said):
                is_cut = True
                break
        return cls("\n".join(words), is_cut, tuple(lines))

    def placed(self, finding: Finding) -> ImageFinding:
        """Return a finding in the text as one in the picture.

        It is in the frame of its first line, in the box around its lines in that frame. One
        without a span is in the frame that says most, and has no box; nor has one in words whose
        place is unknown.
        """
        lines = self._lines_of(finding)
        if finding.span is None:
            frame, boxes = _most_said_in(lines), []
        else:
            frame = lines[0].frame_index
            boxes = [line.box for line in lines if line.frame_index == frame]
        return ImageFinding(
            finding.category_id,
            finding.score,
            finding.reason,
            finding.classifier,
            finding.version,
            severity=finding.severity,
            frame_index=frame,
            box=_around(boxes),
        )

    def _lines_of(self, finding: Finding) -> Sequence[_Line]:
        if finding.span is None:
            return self._lines
        first = bisect_right(self._lines, finding.span.start, key=lambda line: line.start) - 1
        first = max(first, 0)
        return [
            self._lines[first],
            *(line for line in self._lines[first + 1 :] if line.start < finding.span.end),
        ]


def outside_codes(texts: Iterable[ImageText], codes: Sequence[ImageCode]) -> tuple[ImageText, ...]:
    """Return the lines that are not what a reader took the pattern of a code for."""
    return tuple(
        text
        for text in texts
        if not any(code.frame_index == text.frame_index and _holds(code, text) for code in codes)
    )


def _holds(code: ImageCode, text: ImageText) -> bool:
    if code.box is None or text.box is None:
        return False
    across = text.box.left + text.box.width / 2 - code.box.left
    down = text.box.top + text.box.height / 2 - code.box.top
    return 0 <= across <= code.box.width and 0 <= down <= code.box.height


def _most_said_in(lines: Sequence[_Line]) -> int:
    """Return the frame with the most characters, the first of several alike; 0 without lines."""
    said: Counter[int] = Counter()
    for line in lines:
        said[line.frame_index] += line.end - line.start
    return max(said, key=said.__getitem__, default=0)


def _around(boxes: Sequence[BoundingBox | None]) -> BoundingBox | None:
    """Return the least box that holds all; None if there is none, or one is unknown."""
    known = [box for box in boxes if box is not None]
    if not known or len(known) < len(boxes):
        return None
    if len(known) == 1:
        return known[0]
    left, top = min(box.left for box in known), min(box.top for box in known)
    right = max(box.left + box.width for box in known)
    bottom = max(box.top + box.height for box in known)
    return BoundingBox(left, top, min(1.0, right) - left, min(1.0, bottom) - top)

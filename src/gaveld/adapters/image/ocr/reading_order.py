"""Puts the lines of a picture in the order in which a person would read them.

It knows boxes only: rows from the top, each from the left, and columns one after another where
several rows in a row have the same gap.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

GUTTER: Final = 1.0
"""A gap between columns is at least as wide as this many lines are high."""

SAME_ROW: Final = 0.4
"""Lines stand in one row if they overlap by more than this share of the lower one's height."""


class Rect(NamedTuple):
    """An upright rectangle, the edges in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """From the upper edge to the lower."""
        return self.bottom - self.top


def reading_order(rects: Sequence[Rect]) -> list[int]:
    """Return the places of the rectangles in ``rects``, in the order of reading."""
    if not rects:
        return []
    gutter = GUTTER * median(rect.height for rect in rects)
    return _ordered(rects, list(range(len(rects))), gutter)


def _ordered(rects: Sequence[Rect], some: Sequence[int], gutter: float) -> list[int]:
    order: list[int] = []
    rows = _rows(rects, some)
    while rows:
        block, columns = _columns(rects, rows, gutter)
        for column in columns:
            order += _ordered(rects, column, gutter) if len(columns) > 1 else column
        rows = rows[block:]
    return order


def _rows(rects: Sequence[Rect], some: Sequence[int]) -> list[list[int]]:
    """Return rows from the top, each from the left."""
    rows: list[list[int]] = []
    for index in sorted(some, key=lambda i: (rects[i].top + rects[i].bottom, rects[i].left)):
        if rows and _beside(rects[rows[-1][-1]], rects[index]):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [sorted(row, key=lambda i: rects[i].left) for row in rows]


def _beside(one: Rect, other: Rect) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > SAME_ROW * min(one.height, other.height)


def _columns(
    rects: Sequence[Rect], rows: Sequence[Sequence[int]], gutter: float
) -> tuple[int, list[list[int]]]:
    """Return how many of the first rows belong together, and these by columns.

    Columns begin with a row that has a gap, and end before one that fills it; a single row is one
    column, however wide its gaps.
    """
    block = list(rows[0])
    columns = _split(rects, block, gutter)
    count = 1
    if len(columns) > 1:
        for row in rows[1:]:
            wider = _split(rects, [*block, *row], gutter)
            if len(wider) < len(columns):
                break
            block, columns, count = [*block, *row], wider, count + 1
    return (count, columns) if count > 1 else (1, [list(rows[0])])


def _split(rects: Sequence[Rect], some: Sequence[int], gutter: float) -> list[list[int]]:
    """Return the rectangles apart where a gap runs through all of them, from the left."""
    parts: list[list[int]] = []
    edge = float("-inf")
    for index in sorted(some, key=lambda i: rects[i].left):
        if not parts or rects[index].left - edge >= gutter:
            parts.append([])
        parts[-1].append(index)
        edge = max(edge, rects[index].right)
    return parts

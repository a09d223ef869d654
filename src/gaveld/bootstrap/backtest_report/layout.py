"""Where everything stands in the drawing of a backtest, as shapes that a page and a picture share.

Units are CSS pixels from the top left corner. Colours are names that each form has its own for.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from gaveld.bootstrap.backtest_report.figures import Figures, called
from gaveld.domain.actions import Action

WIDTH: Final = 960
MARGIN: Final = 32
MOST_CHANGES: Final = 24
LONGEST: Final = 44
"""So many characters of a cause are shown; about as many find room."""

Colour = Literal["fore", "dim", "rule", "allow", "review", "block", "changed"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with rounded corners."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour
    radius: float = 3.0


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A band between two upright edges, each from its top to its bottom; half see-through."""

    left: float
    right: float
    left_top: float
    left_bottom: float
    right_top: float
    right_bottom: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text whose baseline begins, or with ``anchor`` is centred or ends, at a point."""

    x: float
    y: float
    text: str
    size: float = 13.0
    colour: Colour = "fore"
    anchor: Literal["start", "middle", "end"] = "start"
    is_bold: bool = False


Shape = Box | Ribbon | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """All shapes, in the order in which they cover each other, and how high they are."""

    shapes: tuple[Shape, ...]
    height: float


def drawing_of(figures: Figures) -> Drawing:
    """Return the drawing: the sums, what moves where, and the causes."""
    shapes = [*_sums(figures, 44.0)]
    bottom = 124.0
    if figures.moves:
        shapes += _flow(figures, bottom + 32)
        bottom += 32 + FLOW_HEIGHT + 24
    shapes += _causes(figures, bottom + 32)
    bottom += 32 + 26 * max(1, min(len(figures.changes), MOST_CHANGES + 1)) + 24
    return Drawing(tuple(shapes), bottom)


def captioned(figures: Figures) -> Drawing:
    """Return the drawing with its title and its warnings, for those who have nothing beside it."""
    inner = drawing_of(figures)
    head = (
        Label(MARGIN, 52, figures.title, 24, is_bold=True),
        Label(MARGIN, 78, figures.stretch, 13, "dim"),
    )
    shapes = [*head, *(_lowered(shape, 84) for shape in inner.shapes)]
    bottom = inner.height + 84
    for warning in figures.warnings:
        lines = textwrap.wrap(warning, 126)
        shapes.append(Box(MARGIN, bottom - 12, 3, 19.0 * len(lines) - 3, "review"))
        for line in lines:
            shapes.append(Label(MARGIN + 12, bottom, line, 12.5))
            bottom += 19
    return Drawing(tuple(shapes), bottom + 20)


FLOW_HEIGHT: Final = 250.0
_GAP: Final = 14.0
_LEAST: Final = 3.0
_LEAST_SHARE: Final = 0.0005
_LEFT, _RIGHT, _THICK = 190.0, 754.0, 16.0
_BAR_LEFT, _BAR_RIGHT = 560.0, 860.0


def _sums(figures: Figures, top: float) -> Iterator[Shape]:
    sums: tuple[tuple[str, int, Colour], ...] = (
        ("decisions tried", figures.tried, "fore"),
        (f"would change{_share(figures)}", figures.changed, "changed"),
        ("would stay", figures.stayed, "fore"),
        ("can't be told", figures.unjudged, "dim"),
    )
    for number, (name, count, colour) in enumerate(sums):
        x = MARGIN + number * (WIDTH - 2 * MARGIN) / len(sums)
        yield Label(x, top + 24, f"{count:,}", 34, colour, is_bold=True)
        yield Label(x, top + 48, name, 13, "dim")


def _share(figures: Figures) -> str:
    if not figures.changed:
        return ""
    share = figures.changed / figures.tried
    return f", {share:.1%}" if share >= _LEAST_SHARE else ", under 0.1%"


def _flow(figures: Figures, top: float) -> Iterator[Shape]:
    """Yield what was decided on the left, what would be on the right, and bands between them."""
    yield Label(_LEFT, top - 10, "decided", 12, "dim")
    yield Label(_RIGHT + _THICK, top - 10, "would be decided", 12, "dim", "end")
    before = {a: sum(n for (b, _), n in figures.moves.items() if b is a) for a in Action}
    after = {a: sum(n for (_, b), n in figures.moves.items() if b is a) for a in Action}
    total = sum(before.values())
    scale = (FLOW_HEIGHT - _GAP * (len(Action) - 1) - _LEAST * len(Action) * 3) / total
    heights = {move: _LEAST * (n > 0) + n * scale for move, n in figures.moves.items()}
    starts, ends = _tops(heights, top, 0), _tops(heights, top, 1)
    for (was, would), count in sorted(figures.moves.items(), key=lambda e: e[0][0] is not e[0][1]):
        move, height = (was, would), heights[was, would]
        if count:
            colour = _colour(would) if was is not would else "rule"
            yield Ribbon(
                _LEFT + _THICK,
                _RIGHT,
                starts[move],
                starts[move] + height,
                ends[move],
                ends[move] + height,
                colour,
            )
    for side, x, counts, tops in ((0, _LEFT, before, starts), (1, _RIGHT, after, ends)):
        for action, count in counts.items():
            mine = [move for move in heights if move[side] is action and heights[move]]
            if not mine:
                continue
            first = min(tops[move] for move in mine)
            height = sum(heights[move] for move in mine)
            yield Box(x, first, _THICK, height, _colour(action))
            middle = first + height / 2 + 5
            if side == 0:
                yield Label(x - 12, middle, f"{called(action)}  {count:,}", 14, anchor="end")
            else:
                yield Label(x + _THICK + 12, middle, f"{called(action)}  {count:,}", 14)


def _tops(
    heights: dict[tuple[Action, Action], float], top: float, side: int
) -> dict[tuple[Action, Action], float]:
    """Return where each move begins on one side, below those of milder actions."""
    tops: dict[tuple[Action, Action], float] = {}
    for action in Action:
        mine = sorted(move for move in heights if move[side] is action and heights[move])
        for move in mine:
            tops[move] = top
            top += heights[move]
        top += _GAP * bool(mine)
    return tops


def _causes(figures: Figures, top: float) -> Iterator[Shape]:
    if not figures.changes:
        says = "Nothing would change." if figures.tried else "No decision is stored of that time."
        yield Label(MARGIN, top + 16, says, 15, "dim")
        return
    yield Label(MARGIN, top - 8, "by cause", 12, "dim")
    yield Label(_BAR_LEFT, top - 8, "decisions", 12, "dim")
    largest = max(change.count for change in figures.changes)
    for number, change in enumerate(figures.changes[:MOST_CHANGES]):
        y = top + number * 26
        cause = textwrap.shorten(change.cause, LONGEST, placeholder=" …")
        width = max(2.0, (_BAR_RIGHT - _BAR_LEFT) * change.count / largest)
        yield Label(MARGIN, y + 16, cause, 14)
        yield Box(398, y + 7, 8, 8, _colour(change.before), 4)
        yield Label(412, y + 16, f"{called(change.before)} to", 13, "dim")
        yield Box(486, y + 7, 8, 8, _colour(change.after), 4)
        yield Label(500, y + 16, called(change.after), 13)
        yield Box(_BAR_LEFT, y + 4, width, 15, _colour(change.after))
        yield Label(_BAR_LEFT + width + 8, y + 16, f"{change.count:,}", 13)
    left_out = len(figures.changes) - MOST_CHANGES
    if left_out > 0:
        y = top + MOST_CHANGES * 26
        yield Label(MARGIN, y + 16, f"and {left_out:,} more, each smaller", 13, "dim")


def _colour(action: Action) -> Colour:
    match action:
        case Action.ALLOW:
            return "allow"
        case Action.REVIEW:
            return "review"
        case _:
            return "block"


def _lowered(shape: Shape, by: float) -> Shape:
    match shape:
        case Box():
            return Box(shape.x, shape.y + by, shape.width, shape.height, shape.colour, shape.radius)
        case Label():
            return Label(
                shape.x,
                shape.y + by,
                shape.text,
                shape.size,
                shape.colour,
                shape.anchor,
                shape.is_bold,
            )
        case Ribbon():
            return Ribbon(
                shape.left,
                shape.right,
                shape.left_top + by,
                shape.left_bottom + by,
                shape.right_top + by,
                shape.right_bottom + by,
                shape.colour,
            )

"""Plots as inline SVG that takes its colours from the page: no script, no file, no library.

Each is a string that is well-formed XML. Colours are the CSS variables and classes of
``report_html``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from gaveld.bootstrap.evaluation.metrics import calibration_bins
from gaveld.bootstrap.evaluation.tally import Curve, Numbers, Tally, curve_of

WIDTH: Final = 320
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 40
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_THRESHOLDS: Final = 240

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: points with both coordinates in 0–1, and a CSS class for its colour."""

    name: str
    points: Sequence[Point]
    style: str


def precision_recall_plot(tally: Tally) -> str:
    """Draw precision over recall, and the share of harmful texts, which chance would reach."""
    curve = curve_of(tally)
    base = tally.positive_count / (tally.positive_count + tally.negative_count)
    line = Line("precision", _steps(curve.recall, curve.precision), "line-a")
    chance = Line(f"chance {base:.2f}", [(0, base), (1, base)], "line-guide")
    return _plot("Precision by recall", "recall", "precision", [chance, line])


def calibration_plot(tally: Tally) -> str:
    """Draw the share of harmful texts over the mean score of each bin; bars show its size."""
    bins = calibration_bins(tally)
    largest = int(bins.counts.max())
    width = 1 / len(bins.counts)
    bars = "".join(
        _bar(number * width, width, count / largest, f"{count} texts")
        for number, count in enumerate(bins.counts.tolist())
        if count
    )
    filled = bins.counts > 0
    points = list(zip(bins.mean_score[filled], bins.frequency[filled], strict=True))
    dots = "".join(
        f'<circle class="dot-a" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3"/>' for x, y in points
    )
    guide = Line("perfect", [(0, 0), (1, 1)], "line-guide")
    line = Line("share harmful", points, "line-a")
    return _plot("Calibration", "score", "share harmful", [guide, line], bars, dots)


def threshold_plot(tally: Tally, marked: Mapping[str, float]) -> str:
    """Draw precision, recall and false positives over the threshold; mark the policy's own."""
    curve = curve_of(tally)
    lines = [
        Line("precision", _by_threshold(curve, curve.precision), "line-a"),
        Line("recall", _by_threshold(curve, curve.recall), "line-b"),
        Line("false positives", _by_threshold(curve, curve.false_positive_rate), "line-c"),
    ]
    marks = "".join(
        f'<line class="mark" x1="{_x(score):.1f}" x2="{_x(score):.1f}" y1="{_y(1):.1f}" '
        f'y2="{_y(0):.1f}"><title>{escape(name)} from {score:.2f}</title></line>'
        for name, score in marked.items()
    )
    return _plot("Thresholds", "threshold", "share", lines, marks)


def _plot(
    title: str, across: str, up: str, lines: Sequence[Line], under: str = "", over: str = ""
) -> str:
    said = f"{title}: {', '.join(line.name for line in lines)}"
    return "".join(
        (
            f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} {HEIGHT}">',
            *_grid(),
            under,
            *(_drawn(line) for line in lines),
            over,
            (
                f'<text class="axis" x="{_x(0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
                f"{escape(across)}</text>"
            ),
            (
                f'<text class="axis" transform="translate(12 {_y(0.5):.1f}) rotate(-90)" '
                f'text-anchor="middle">{escape(up)}</text>'
            ),
            "</svg>",
            '<p class="key">',
            " ".join(f'<span class="{line.style}">{escape(line.name)}</span>' for line in lines),
            "</p>",
        )
    )


def _grid() -> Iterable[str]:
    for tick in _TICKS:
        x, y = _x(tick), _y(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(0):.1f}" y2="{_y(1):.1f}"/>'
        yield f'<line class="grid" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield (
            f'<text class="tick" x="{x:.1f}" y="{_y(0) + 14:.1f}" text-anchor="middle">'
            f"{tick:g}</text>"
        )
        yield (
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{tick:g}</text>'
        )


def _drawn(line: Line) -> str:
    path = " ".join(f"{x:g},{y:g}" for x, y in _thinned(line.points))
    return f'<polyline class="{line.style}" points="{path}"/>'


def _bar(x: float, width: float, height: float, title: str) -> str:
    # A quarter of the plot at most: the bars are the background.
    top = _y(height / 4)
    return (
        f'<rect class="bar" x="{_x(x):.1f}" y="{top:.1f}" '
        f'width="{_x(x + width) - _x(x) - 1:.1f}" height="{_y(0) - top:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _steps(x: Numbers, y: Numbers) -> list[Point]:
    # Average precision adds precision at the end of each step of recall, so it is drawn so.
    points: list[Point] = []
    for start, end, height in zip(x[:-1], x[1:], y[1:], strict=True):
        points += [(float(start), float(height)), (float(end), float(height))]
    return points


def _by_threshold(curve: Curve, values: Numbers) -> list[Point]:
    thresholds = np.linspace(0, 1, _THRESHOLDS)
    # How many distinct scores a threshold flags, and so which entry of the curve it is.
    flagged = np.searchsorted(-curve.thresholds[1:], -thresholds, side="right")
    return list(zip(thresholds.tolist(), values[flagged].tolist(), strict=True))


def _thinned(points: Sequence[Point]) -> list[Point]:
    # In half pixels, and without what lies within a straight step: nobody sees the difference.
    placed: list[Point] = []
    for point in ((round(_x(x) * 2) / 2, round(_y(y) * 2) / 2) for x, y in points):
        while len(placed) > 1 and _is_straight(placed[-2], placed[-1], point):
            placed.pop()
        placed.append(point)
    return placed


def _is_straight(first: Point, second: Point, third: Point) -> bool:
    return any(first[axis] == second[axis] == third[axis] for axis in (0, 1))


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

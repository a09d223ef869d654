"""The report as one HTML page that needs nothing else: the drawing, every change, samples."""

from html import escape
from typing import Final

from gaveld.bootstrap.backtest_report.figures import Figures, called
from gaveld.bootstrap.backtest_report.layout import (
    WIDTH,
    Box,
    Drawing,
    Label,
    Ribbon,
    Shape,
    drawing_of,
)
from gaveld.bootstrap.html_pages import page

_STYLE: Final = """
:root { --allow: #1a9e83; --review: #c98a06; --block: #b3202e; --changed: #0b62c4; }
@media (prefers-color-scheme: dark) { :root { --allow: #2fc4ac; --review: #f0c24b;
  --block: #e5534b; --changed: #6cb0ff; } }
svg { max-width: 60rem; font-family: system-ui, sans-serif; }
.fore { fill: var(--fore); } .dim { fill: var(--dim); } .rule { fill: var(--rule); }
.allow { fill: var(--allow); } .review { fill: var(--review); } .block { fill: var(--block); }
.changed { fill: var(--changed); } path { opacity: 0.45; } path.rule { opacity: 0.7; }
td.number { text-align: right; } td.ids { overflow-wrap: anywhere; color: var(--dim); }
.warning { border-left: 3px solid var(--review); padding-left: 0.75rem; }
"""


def backtest_page(figures: Figures) -> str:
    """Return the whole page."""
    body = [
        f'<p class="dim">{escape(figures.stretch)}</p>',
        *(f'<p class="warning">{escape(warning)}</p>' for warning in figures.warnings),
        svg(
            drawing_of(figures), f"{figures.changed:,} of {figures.tried:,} decisions would change"
        ),
    ]
    if figures.changes:
        body += ["<h2>Changes</h2>", _table(figures)]
    body.append(
        '<p class="dim">A decision that changes for several causes is in the row of each. Judged '
        "again is what was found at the time: nothing was looked at anew.</p>"
    )
    return page(figures.title, body, _STYLE)


def svg(drawing: Drawing, said: str) -> str:
    """Return a drawing as SVG that takes its colours from the page."""
    height = drawing.height
    return "".join(
        (
            f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} {height:.0f}">',
            *map(_drawn, drawing.shapes),
            "</svg>",
        )
    )


def _drawn(shape: Shape) -> str:
    match shape:
        case Box():
            return (
                f'<rect class="{shape.colour}" x="{shape.x:.1f}" y="{shape.y:.1f}" '
                f'width="{shape.width:.1f}" height="{shape.height:.1f}" rx="{shape.radius:g}"/>'
            )
        case Label():
            weight = ' font-weight="600"' if shape.is_bold else ""
            return (
                f'<text class="{shape.colour}" x="{shape.x:.1f}" y="{shape.y:.1f}" '
                f'font-size="{shape.size:g}" text-anchor="{shape.anchor}"{weight}>'
                f"{escape(shape.text)}</text>"
            )
        case Ribbon():
            middle = (shape.left + shape.right) / 2
            there = f"C{middle:.1f},{shape.left_top:.1f} {middle:.1f},{shape.right_top:.1f}"
            back = f"C{middle:.1f},{shape.right_bottom:.1f} {middle:.1f},{shape.left_bottom:.1f}"
            return (
                f'<path class="{shape.colour}" d="M{shape.left:.1f},{shape.left_top:.1f} {there} '
                f"{shape.right:.1f},{shape.right_top:.1f} L{shape.right:.1f},"
                f'{shape.right_bottom:.1f} {back} {shape.left:.1f},{shape.left_bottom:.1f} Z"/>'
            )


def _table(figures: Figures) -> str:
    heads = ("cause", "from", "to", "decisions", "such as")
    rows = (
        f"<tr><td>{escape(change.cause)}</td><td>{called(change.before)}</td>"
        f'<td>{called(change.after)}</td><td class="number">{change.count:,}</td>'
        f'<td class="ids">{escape(", ".join(change.content_ids))}</td></tr>'
        for change in figures.changes
    )
    return "\n".join(
        (
            '<div class="wide"><table>',
            f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>",
            *rows,
            "</table></div>",
        )
    )

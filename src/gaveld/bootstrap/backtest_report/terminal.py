"""The report for a terminal."""

from typing import Final

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gaveld.bootstrap.backtest_report.figures import Figures, called
from gaveld.domain.actions import Action

_COLOURS: Final = {Action.ALLOW: "green", Action.REVIEW: "yellow", Action.BLOCK: "red"}


def print_backtest(console: Console, figures: Figures) -> None:
    """Print how much would change, what moves where, why with samples, and what can't be told."""
    console.print(_headline(figures))
    if figures.moves:
        console.print(_moves(figures))
    if figures.changes:
        console.print(_changes(figures))
    for warning in figures.warnings:
        console.print(Text(warning, style="yellow"))


def _headline(figures: Figures) -> Text:
    if not figures.tried:
        return Text(f"No decision is stored of that time.  {figures.stretch}", style="bold")
    return Text.assemble(
        (f"{figures.changed:,} of {figures.tried:,} decisions would change", "bold"),
        f"; {figures.unjudged:,} can't be told.",
        (f"  {figures.stretch}", "dim"),
    )


def _moves(figures: Figures) -> Table:
    table = Table("decided", *(Column(f"would {called(a)}", justify="right") for a in Action))
    for before in Action:
        counts = [figures.moves.get((before, after), 0) for after in Action]
        cells = [
            Text(f"{count:,}" if count else "·", style="bold" if count and a is not before else "")
            for a, count in zip(Action, counts, strict=True)
        ]
        if any(counts):
            table.add_row(_said(before), *cells)
    return table


def _changes(figures: Figures) -> Table:
    table = Table("cause", "from", "to", Column("decisions", justify="right"), "such as")
    for change in figures.changes:
        table.add_row(
            Text(change.cause),
            _said(change.before),
            _said(change.after),
            f"{change.count:,}",
            Text(", ".join(change.content_ids), style="dim"),
        )
    return table


def _said(action: Action) -> Text:
    return Text(called(action), style=_COLOURS[action])

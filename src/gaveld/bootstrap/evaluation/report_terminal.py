"""The report as tables for a terminal, one a slice; tall where the terminal is narrow."""

from typing import Final

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gaveld.bootstrap.evaluation.assessment import LabelFigures, SliceFigures
from gaveld.bootstrap.evaluation.metrics import METRICS
from gaveld.bootstrap.evaluation.report import Report, interval, number, over_flag_sentence

WIDE_FROM: Final = 135
"""So many characters a line hold every measure beside the others, with intervals."""


def print_report(console: Console, report: Report) -> None:
    """Print every slice: over-flagging, each label's figures with intervals, and what is amiss."""
    console.print(Text(f"policy {', '.join(report.policy_revisions)}", style="dim"))
    draw = _wide if console.width >= WIDE_FROM else _tall
    for figures in report.slices:
        console.print()
        console.print(_heading(figures))
        if any(entry.estimates for entry in figures.labels):
            console.print(draw(figures))
        for entry in figures.labels:
            if entry.note:
                console.print(Text(f"{_name(entry)}: {entry.note}", style="yellow"))
    console.print(Text(_legend(report), style="dim"))


def _heading(figures: SliceFigures) -> Text:
    refused = f", {figures.refused} not judged" * bool(figures.refused)
    return Text.assemble(
        (figures.name, "bold"), f": {figures.texts} texts{refused}; {over_flag_sentence(figures)}"
    )


def _wide(figures: SliceFigures) -> Table:
    titles = [Column(metric.title, no_wrap=True) for metric in METRICS.values()]
    table = Table("label", "texts", *titles)
    for entry in figures.labels:
        if entry.estimates:
            cells = [
                Text.assemble(number(estimate.value), "\n", (interval(estimate), "dim"))
                for estimate in entry.estimates.values()
            ]
            table.add_row(f"{entry.label.column}\n{entry.label.scored_as}", _counts(entry), *cells)
    return table


def _tall(figures: SliceFigures) -> Table:
    table = Table("label", "texts", "measure", "value", Column("95%", no_wrap=True))
    for entry in figures.labels:
        head = (f"{entry.label.column}\n{entry.label.scored_as}", _counts(entry))
        if entry.estimates:
            measured = [(METRICS[key].title, said) for key, said in entry.estimates.items()]
            table.add_row(
                *head,
                "\n".join(title for title, _ in measured),
                "\n".join(number(estimate.value) for _, estimate in measured),
                "\n".join(interval(estimate) for _, estimate in measured),
                end_section=True,
            )
    return table


def _name(entry: LabelFigures) -> str:
    return f"{entry.label.column} ({entry.label.scored_as})"


def _counts(entry: LabelFigures) -> str:
    unchecked = f"\n{entry.unchecked} unchecked" * bool(entry.unchecked)
    return f"{entry.texts}\n{entry.tally.positive_count} harmful{unchecked}"


def _legend(report: Report) -> str:
    intervals = (
        f"Intervals are 95%, from {report.resamples} resamples, seed {report.seed}. "
        if report.resamples
        else ""
    )
    return (
        f"{intervals}F1 is by the policy's own thresholds (attributes: 0.5); best F1 is in-sample. "
        "Texts whose label is missing are left out of that label."
    )

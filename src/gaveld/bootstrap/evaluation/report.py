"""One evaluation, as every form of report shows it, and as CSV for further work.

Reports hold figures, line numbers and names of columns; never a text.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gaveld.bootstrap.evaluation.assessment import SliceFigures
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.intervals import Estimate
from gaveld.bootstrap.evaluation.judging import Judgement, Refusal
from gaveld.bootstrap.evaluation.labels import Label

METRIC_COLUMNS: Final = (
    *("slice", "label", "scored_as", "metric", "value", "low", "high"),
    *("texts", "positives", "unknown", "unchecked", "note"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run found. ``resamples`` and ``seed`` are those of the intervals."""

    data: str
    policy_revisions: tuple[str, ...]
    classifiers: tuple[str, ...]
    resamples: int
    seed: int
    slices: tuple[SliceFigures, ...]


def number(value: float | None) -> str:
    """Write a figure for reading; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def interval(estimate: Estimate) -> str:
    """Write the interval for reading; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.3f}–{estimate.high:.3f}"


def over_flag_sentence(figures: SliceFigures) -> str:
    """Say how many harmless texts were flagged, and why."""
    flagged, blocked = figures.over_flagged, figures.over_blocked
    if flagged is None or blocked is None:
        return "no harmless texts, so nothing about over-flagging"
    because = f", {figures.incomplete} only for a check that did not run" * bool(figures.incomplete)
    return (
        f"{flagged.value:.1%} ({flagged.low or 0:.1%}–{flagged.high or 0:.1%}) of "
        f"{figures.harmless} harmless texts flagged{because}; {blocked.value:.1%} "
        f"({blocked.low or 0:.1%}–{blocked.high or 0:.1%}) blocked"
    )


def write_metrics(path: Path, report: Report) -> None:
    """Write one line a slice, label and measure; a label without figures has one with its note."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(METRIC_COLUMNS)
        for figures in report.slices:
            writer.writerows(_slice_rows(figures))


def write_scores(
    path: Path,
    examples: Sequence[Example],
    results: Sequence[Judgement | Refusal],
    labels: Sequence[Label],
) -> None:
    """Write each text's verdict and scores beside its labels, by line of the data file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [label.column for label in labels]
        scored = [f"{label.column} ({label.scored_as})" for label in labels]
        writer.writerow(["line", "verdict", *names, *scored, "error"])
        for example, result in zip(examples, results, strict=True):
            truth = ["" if value is None else int(value) for value in example.truth]
            if isinstance(result, Refusal):
                writer.writerow([example.line, "", *truth, *("" for _ in names), result.message])
                continue
            verdict = "block" if result.blocked else "review" if result.flagged else "allow"
            scores = [_plain(result.score(label)) for label in labels]
            writer.writerow([example.line, verdict, *truth, *scores, ""])


def _slice_rows(figures: SliceFigures) -> Iterable[list[object]]:
    for metric, estimate in (
        ("over_flag_rate", figures.over_flagged),
        ("over_block_rate", figures.over_blocked),
    ):
        note = "" if estimate else "no harmless texts"
        yield [
            *(figures.name, "", "", metric, *_cells(estimate)),
            *(figures.harmless, 0, "", figures.refused, note),
        ]
    for entry in figures.labels:
        known = (entry.texts, entry.tally.positive_count, entry.unknown, entry.unchecked)
        head = (figures.name, entry.label.column, entry.label.scored_as)
        if entry.note:
            yield [*head, "", *_cells(None), *known, entry.note]
        for metric, estimate in entry.estimates.items():
            note = ""
            if metric == "f1":
                note = entry.f1_rule
            elif metric == "best_f1":
                note = f"in-sample, from {entry.best_f1_threshold:.6g}"
            yield [*head, metric, *_cells(estimate), *known, note]


def _cells(estimate: Estimate | None) -> tuple[str, str, str]:
    if estimate is None:
        return "", "", ""
    return _plain(estimate.value), _plain(estimate.low), _plain(estimate.high)


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"

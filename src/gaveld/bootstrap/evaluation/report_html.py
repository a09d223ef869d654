"""The report of an evaluation as one HTML page that needs nothing else."""

from html import escape
from typing import Final

from gaveld.bootstrap.evaluation.assessment import LabelFigures, SliceFigures
from gaveld.bootstrap.evaluation.intervals import Estimate
from gaveld.bootstrap.evaluation.metrics import METRICS
from gaveld.bootstrap.evaluation.plots_svg import (
    calibration_plot,
    precision_recall_plot,
    threshold_plot,
)
from gaveld.bootstrap.evaluation.report import Report, interval, number, over_flag_sentence
from gaveld.bootstrap.html_pages import definitions, page

_STYLE: Final = """
.plots { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 320px; }
.grid { stroke: var(--rule); stroke-width: 1; } .bar { fill: var(--bar); }
.tick, .axis { fill: var(--dim); font-size: 11px; }
polyline { fill: none; stroke-width: 2; }
polyline.line-a { stroke: var(--a); } polyline.line-b { stroke: var(--b); stroke-dasharray: 7 3; }
polyline.line-c { stroke: var(--c); stroke-dasharray: 2 3; }
polyline.line-guide { stroke: var(--dim); stroke-width: 1; stroke-dasharray: 5 5; }
.dot-a { fill: var(--a); } .mark { stroke: var(--mark); stroke-width: 2; }
.key { margin: 0; font-size: 12px; text-align: center; } .key span { margin: 0 0.4rem; }
.key .line-a { color: var(--a); } .key .line-b { color: var(--b); }
.key .line-c { color: var(--c); }
.key .line-guide { color: var(--dim); } .key .mark { color: var(--mark); }
"""


def html_page(report: Report) -> str:
    """Return the whole page."""
    first = report.slices[0]
    body = (
        _facts(report),
        *(_slice(figures) for figures in report.slices),
        "<h2>Plots</h2>",
        (
            '<p class="dim">Of all texts. The upright lines mark the policy’s thresholds, as '
            "far as verdicts showed them; the bars, how many texts have such a score.</p>"
        ),
        *(_plots(entry) for entry in first.labels),
        _explanations(report),
    )
    return page(f"Gavel on {report.data}", body, _STYLE)


def _facts(report: Report) -> str:
    return definitions(
        (
            ("Policy", ", ".join(report.policy_revisions) or "no text was judged"),
            ("Classifiers", ", ".join(report.classifiers) or "none"),
        )
    )


def _slice(figures: SliceFigures) -> str:
    refused = f", {figures.refused} of them not judged" * bool(figures.refused)
    heads = ["label", "scored as", "texts", "harmful", "unknown", "unchecked"]
    heads += [metric.title for metric in METRICS.values()]
    return "\n".join(
        (
            f"<h2>{escape(figures.name)}</h2>",
            f"<p>{figures.texts} texts{refused}; {escape(over_flag_sentence(figures))}.</p>",
            '<div class="wide"><table>',
            f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>",
            *(_row(entry) for entry in figures.labels),
            "</table></div>",
        )
    )


def _row(entry: LabelFigures) -> str:
    counts = (entry.texts, entry.tally.positive_count, entry.unknown, entry.unchecked)
    remark = f"<small>{escape(entry.note)}</small>" if entry.note and entry.estimates else ""
    cells = [escape(entry.label.column) + remark, escape(entry.label.scored_as), *map(str, counts)]
    cells += [_figure(estimate) for estimate in entry.estimates.values()]
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    if not entry.estimates:
        row += f'<td class="dim" colspan="{len(METRICS)}">{escape(entry.note)}</td>'
    return f"<tr>{row}</tr>"


def _figure(estimate: Estimate) -> str:
    return f"{number(estimate.value)}<small>{interval(estimate)}</small>"


def _plots(entry: LabelFigures) -> str:
    title = f"<h3>{escape(entry.label.column)} ({escape(entry.label.scored_as)})</h3>"
    if not entry.tally.has_both:
        return f'{title}\n<p class="dim">No plots: {escape(entry.note)}.</p>'
    drawn = (
        precision_recall_plot(entry.tally),
        calibration_plot(entry.tally),
        threshold_plot(entry.tally, entry.thresholds),
    )
    figures = "\n".join(f"<figure>{plot}</figure>" for plot in drawn)
    rule = (
        f"F1 counts a text as found when {entry.f1_rule}"
        if not entry.f1_rule.startswith("score")
        else f"F1 counts a text as found at a {entry.f1_rule}"
    )
    best = f"best F1 is at {entry.best_f1_threshold:.3f}, chosen on these texts"
    return (
        f'{title}\n<p class="dim">{escape(rule)}; {best}.</p>\n<div class="plots">{figures}</div>'
    )


def _explanations(report: Report) -> str:
    resampled = (
        f"95%. Measures of ranking, F1 and calibration: percentiles of {report.resamples} "
        f"resamples of the texts, harmful and harmless apart, seed {report.seed}. Shares of texts: "
        "Wilson’s interval. They tell of chance, not of wrong labels or of other kinds of text."
        if report.resamples
        else "Switched off, but for shares of texts: those are Wilson’s, 95%."
    )
    words = [(metric.title, metric.meaning) for metric in METRICS.values()]
    words += [
        (
            "Over-flagging",
            (
                "The share of harmless texts whose verdict is not allow. Harmless is a text with a "
                "label that says so and none that says otherwise."
            ),
        ),
        ("Unknown", "Texts without this label: left out of its figures, never taken as harmless."),
        ("Unchecked", "Labelled texts that nothing scored, such as those in another language."),
        (
            "Scored as",
            (
                "Several categories, or any, are joined as the chance that one of them at least is "
                "right, were they independent."
            ),
        ),
        ("Intervals", resampled),
    ]
    return f"<h2>What the figures mean</h2>\n{definitions(words)}"

"""The report as one HTML page that needs nothing else: no script, no style sheet, no picture.

It is well-formed XML, too, and follows the reader's choice of light or dark.
"""

from collections.abc import Iterable
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

_STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --fore: #1b1f24; --dim: #5c6670; --rule: #d8dee4;
  --a: #0b62c4; --b: #1a7f37; --c: #bc4c00; --bar: #d5e3f5; --mark: #8250df; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --fore: #e6ebf0; --dim: #9aa5b1;
  --rule: #333c46; --a: #6cb0ff; --b: #56d370; --c: #ff9d5c; --bar: #24364d; --mark: #c29bff; } }
body { background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif;
  max-width: 75rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; margin-bottom: 0.25rem; }
.dim, small, dt { color: var(--dim); } small { display: block; white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--rule); padding: 0.35rem 0.7rem; text-align: left;
  vertical-align: top; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; } dd { margin: 0; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 320px; }
svg { width: 100%; height: auto; }
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
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>Gavel on {escape(report.data)}</title>\n<style>{_STYLE}</style>",
            "</head>\n<body>",
            f"<h1>Gavel on {escape(report.data)}</h1>",
            _facts(report),
            *(_slice(figures) for figures in report.slices),
            "<h2>Plots</h2>",
            (
                '<p class="dim">Of all texts. The upright lines mark the policy’s thresholds, as '
                "far as verdicts showed them; the bars, how many texts have such a score.</p>"
            ),
            *(_plots(entry) for entry in first.labels),
            _explanations(report),
            "</body>\n</html>\n",
        )
    )


def _facts(report: Report) -> str:
    return _definitions(
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
    return f"<h2>What the figures mean</h2>\n{_definitions(words)}"


def _definitions(entries: Iterable[tuple[str, str]]) -> str:
    inner = "".join(f"<dt>{escape(word)}</dt><dd>{escape(said)}</dd>" for word, said in entries)
    return f"<dl>{inner}</dl>"

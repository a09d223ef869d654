"""Reports: complete, without content, and readable with nothing else at hand."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.judging import Refusal
from gaveld.bootstrap.evaluation.labels import parse_label
from gaveld.bootstrap.evaluation.metrics import METRICS
from gaveld.bootstrap.evaluation.report import write_metrics, write_scores
from gaveld.bootstrap.evaluation.report_html import html_page
from gaveld.bootstrap.evaluation.report_terminal import print_report
from tests.unit.bootstrap.evaluation.made import judgement, report


def parsed(page: str) -> ET.Element:
    """The page as XML, which is stricter than HTML."""
    doctype, _, rest = page.partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ET.fromstring(rest)


def test_the_page_is_well_formed_and_has_every_plot():
    """Three plots for the label that can be ranked, a reason for the one that can't."""
    page = parsed(html_page(report()))
    assert len(list(page.iter("svg"))) == 3
    assert all(entry.get("aria-label") for entry in page.iter("svg"))
    said = "".join(page.itertext())
    assert "No plots: no harmful texts, so nothing to rank." in said
    assert all(metric.meaning in said for metric in METRICS.values())


def test_the_page_needs_nothing_else():
    """Law: no script, no asset, no address; it can be mailed and opened offline."""
    page = html_page(report())
    tags = {entry.tag for entry in parsed(page).iter()}
    assert not tags & {"script", "link", "img", "image", "iframe", "object", "embed", "use", "a"}
    assert not re.search(r"https?:|//\w|url\(|@import|\b(?:src|href|on\w+)=", page)


def test_the_page_has_colours_for_light_and_dark():
    """Law: every colour that is used is defined for both."""
    style = parsed(html_page(report())).find("head/style").text
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert "prefers-color-scheme: dark" in style
    used = set(re.findall(r"var\((--\w+)\)", style))
    for theme in (light, dark):
        assert set(re.findall(r"(--\w+):", theme)) == used


def test_every_class_of_a_plot_has_a_style():
    """Nothing is drawn in a colour that the page does not choose."""
    page = parsed(html_page(report()))
    style = page.find("head/style").text
    for plot in page.iter("svg"):
        classes = {entry.get("class") for entry in plot.iter() if entry.get("class")}
        assert classes
        assert all(f".{name}" in style for name in classes)


def test_plots_stay_inside_their_frame():
    """No line leaves the picture."""
    for line in parsed(html_page(report())).iter("polyline"):
        for point in line.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 320
            assert 0 <= y <= 260


def test_names_are_shown_and_not_run():
    """A column whose name is markup is shown as it is called."""
    page = html_page(report("<script>alert(1)</script>"))
    assert not list(parsed(page).iter("script"))
    assert "<script>alert(1)</script> (H1)" in {entry.text for entry in parsed(page).iter("h3")}


@pytest.mark.parametrize("resamples", [0, 50])
def test_no_report_says_not_a_number(tmp_path: Path, resamples: int):
    """Law: what can't be measured has a reason in its place."""
    made = report(resamples=resamples)
    console = Console(file=io.StringIO(), width=160)
    print_report(console, made)
    write_metrics(tmp_path / "metrics.csv", made)
    for text in (
        html_page(made),
        console.file.getvalue(),
        (tmp_path / "metrics.csv").read_text("utf-8"),
    ):
        assert not re.search(r"\b(?:nan|NaN|inf|None)\b", text)
        assert "no harmful texts" in text


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_shows_every_measure(width: int):
    """However narrow the terminal, no measure and no interval is cut."""
    console = Console(file=io.StringIO(), width=width)
    made = report()
    print_report(console, made)
    shown = console.file.getvalue()
    for key, estimate in made.slices[0].labels[0].estimates.items():
        assert METRICS[key].title in shown
        assert f"{estimate.low:.3f}–{estimate.high:.3f}" in shown
    assert "spam (S1): no harmful texts" in shown


def test_the_csv_has_one_line_a_slice_label_and_measure(tmp_path: Path):
    """Law: what the page shows can be worked with, by the same names."""
    made = report()
    write_metrics(tmp_path / "metrics.csv", made)
    with (tmp_path / "metrics.csv").open(encoding="utf-8", newline="") as file:
        lines = {
            (line["slice"], line["label"], line["metric"]): line for line in csv.DictReader(file)
        }
    entry = made.slices[0].labels[0].estimates["auprc"]
    line = lines["all", "hate", "auprc"]
    assert float(line["value"]) == pytest.approx(entry.value, abs=1e-6)
    assert float(line["high"]) == pytest.approx(entry.high, abs=1e-6)
    assert (line["texts"], line["positives"], line["scored_as"]) == ("30", "10", "H1")
    assert lines["place=chat", "hate", ""]["note"] == "no harmful texts, so nothing to rank"
    assert float(lines["all", "", "over_flag_rate"]["value"]) == pytest.approx(1 / 4)


def test_scores_name_lines_and_hold_no_text(tmp_path: Path):
    """Law: a fault can be looked up in the data, and the report gives no content away."""
    labels = [parse_label("hate"), parse_label("spam")]
    examples = [Example(2, "secret words", (True, None)), Example(3, "", (False, False))]
    results = [judgement({"H1": 0.75}, block={"H1": 0.7}), Refusal("text: too short")]
    write_scores(tmp_path / "scores.csv", examples, results, labels)
    lines = (tmp_path / "scores.csv").read_text("utf-8").splitlines()
    assert lines == [
        "line,verdict,hate,spam,hate (H1),spam (S1),error",
        "2,block,1,,0.750000,,",
        "3,,0,0,,,text: too short",
    ]

"""What a backtest found, as a table, a page and a picture."""

import io
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from gavel.v1 import policy_pb2, verdict_pb2
from gavel.v1.policy_service_pb2 import BacktestMove, BacktestPolicyResponse, BacktestRow
from PIL import Image
from rich.console import Console

from gaveld.bootstrap.backtest_report.figures import Change, Figures, figures_of
from gaveld.bootstrap.backtest_report.layout import (
    FLOW_HEIGHT,
    MOST_CHANGES,
    Box,
    Label,
    Ribbon,
    captioned,
    drawing_of,
)
from gaveld.bootstrap.backtest_report.page import backtest_page
from gaveld.bootstrap.backtest_report.picture import backtest_png
from gaveld.bootstrap.backtest_report.terminal import print_backtest
from gaveld.domain.actions import Action

ALLOW, REVIEW, BLOCK = Action.ALLOW, Action.REVIEW, Action.BLOCK
FIGURES = Figures(
    "A title",
    "a week",
    tried=1_300,
    changed=300,
    unjudged=7,
    changes=(
        Change("H2 Harassment and Insults", ALLOW, REVIEW, 290, ("c<1>", "c&2")),
        Change("rule Née <b>", REVIEW, BLOCK, 10),
    ),
    moves={(ALLOW, ALLOW): 900, (ALLOW, REVIEW): 290, (REVIEW, BLOCK): 10, (BLOCK, BLOCK): 93},
    warnings=("Beware of <this>.",),
)
EMPTY = Figures("A title", "a week", 0, 0, 0)


def test_figures_name_causes_as_people_do():
    """Law: categories have their names, rules those of the policies, and what is lost says so."""
    tried = policy_pb2.Policy(rules=[{"id": "r1", "name": "Minors"}])
    before = policy_pb2.Policy(rules=[{"id": "r1", "name": "Old"}, {"id": "r2", "name": "Gone"}])
    rows = [
        BacktestRow(category_id="H2", count=4, sample_content_ids=["a"]),
        BacktestRow(category_id="S3", unchecked=True),
        BacktestRow(rule_id="r1"),
        BacktestRow(rule_id="r2"),
        BacktestRow(rule_id="r3"),
        BacktestRow(),
    ]
    for row in rows:
        row.before, row.after = verdict_pb2.ACTION_ALLOW, verdict_pb2.ACTION_BLOCK
    move = BacktestMove(before=verdict_pb2.ACTION_ALLOW, after=verdict_pb2.ACTION_BLOCK, count=4)
    response = BacktestPolicyResponse(
        decision_count=9, changed_count=4, unjudged_count=1, rows=rows, moves=[move]
    )
    figures = figures_of(response, (tried, before), "a week")
    assert [change.cause for change in figures.changes] == [
        "H2 Harassment and Insults",
        "S3 Malware (not checked)",
        "rule Minors",
        "rule Gone",
        "rule r3",
        "not known any more",
    ]
    assert (figures.changes[0].count, figures.changes[0].content_ids) == (4, ("a",))
    assert (figures.tried, figures.changed, figures.unjudged, figures.stayed) == (9, 4, 1, 4)
    assert figures.moves == {(ALLOW, BLOCK): 4}


def printed(figures: Figures) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    print_backtest(console, figures)
    return console.file.getvalue()


def test_a_terminal_shows_all():
    """Law: every figure is there, also of a backtest of nothing."""
    shown = printed(FIGURES)
    for said in ("300 of 1,300", "7 can't be told", "Harassment", "290", "c<1>, c&2", "Beware"):
        assert said in shown
    assert "No decision is stored of that time." in printed(EMPTY)


@pytest.mark.parametrize("figures", [FIGURES, EMPTY, replace(FIGURES, changes=(), moves={})])
def test_a_page_is_well_formed_and_quotes_what_others_wrote(figures: Figures):
    """Law: a page is XML with one drawing, and names in it are text and never markup."""
    page = backtest_page(figures)
    tree = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert len(list(tree.iter("svg"))) == 1
    assert not list(tree.iter("script"))
    assert not list(tree.iter("b"))
    for change in figures.changes:
        assert any(cell.text == change.cause for cell in tree.iter("td"))


def test_what_others_wrote_drives_no_terminal_and_breaks_no_page():
    """Law: names and ids are shown without characters that do more than show."""
    tried = policy_pb2.Policy(rules=[{"id": "r", "name": "a\x1b[31m\0"}])
    row = BacktestRow(rule_id="r", sample_content_ids=["c\x1b\n"], count=1)
    row.before, row.after = verdict_pb2.ACTION_ALLOW, verdict_pb2.ACTION_BLOCK
    response = BacktestPolicyResponse(rows=[row], warnings=["w\x1b"])
    figures = figures_of(response, (tried,), "a week")
    assert "\x1b" not in printed(figures)
    page = backtest_page(figures)
    ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert "c\ufffd\ufffd" in page


@pytest.mark.parametrize("figures", [FIGURES, EMPTY])
def test_a_picture_is_a_png_as_high_as_its_drawing(figures: Figures):
    """Law: the picture opens, has the drawing's size twice over, and shows more than white."""
    with Image.open(io.BytesIO(backtest_png(figures))) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1920, round(captioned(figures).height * 2))
        colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert len(colours) > 2
    assert ((179, 32, 46) in colours) is (figures is FIGURES)


def test_bands_part_both_sides_without_gaps_or_overlaps():
    """Law: on either side the bands of an action fill its bar, and nothing overlaps."""
    shapes = drawing_of(FIGURES).shapes
    ribbons = [shape for shape in shapes if isinstance(shape, Ribbon)]
    assert len(ribbons) == len(FIGURES.moves)
    bars = [shape for shape in shapes if isinstance(shape, Box) and shape.height > 20]
    for top, bottom in (("left_top", "left_bottom"), ("right_top", "right_bottom")):
        edges = sorted((getattr(r, top), getattr(r, bottom)) for r in ribbons)
        for (_, end), (start, _) in pairwise(edges):
            assert start >= end - 1e-6
        assert edges[-1][1] - edges[0][0] <= FLOW_HEIGHT + 1e-6
    assert bars


def test_all_causes_have_room_or_are_counted():
    """Law: of many causes the largest are drawn, and how many more there are is said."""
    many = tuple(Change(f"rule {n}", ALLOW, BLOCK, 100 - n) for n in range(MOST_CHANGES + 5))
    drawing = drawing_of(replace(FIGURES, changes=many))
    labels = [shape.text for shape in drawing.shapes if isinstance(shape, Label)]
    assert f"rule {MOST_CHANGES - 1}" in labels
    assert f"rule {MOST_CHANGES}" not in labels
    assert "and 5 more, each smaller" in labels
    assert all(shape.y <= drawing.height for shape in drawing.shapes if isinstance(shape, Label))


@pytest.mark.parametrize(
    ("changed", "tried", "said"),
    [(0, 9, "would change"), (1, 1, "would change, 100.0%"), (2, 10**6, "under 0.1%")],
)
def test_the_share_that_changes_is_said(changed: int, tried: int, said: str):
    """Law: a share is given where there is one, and one that is small is not called none."""
    figures = replace(FIGURES, changed=changed, tried=tried)
    labels = [shape.text for shape in drawing_of(figures).shapes if isinstance(shape, Label)]
    assert any(label.endswith(said) for label in labels)


def test_what_was_not_tried_is_not_said_to_stay():
    """Law: where no decision is stored, that is said, and not that nothing would change."""
    labels = [shape.text for shape in drawing_of(EMPTY).shapes if isinstance(shape, Label)]
    assert "No decision is stored of that time." in labels
    assert "Nothing would change." not in labels

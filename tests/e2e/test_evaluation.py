"""``gavel eval`` and ``gavel thresholds``, as a team with labels uses them."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.e2e.command import gavel

POSTS = (
    # text, insult, threat, any, place
    ("Good morning everyone, the kettle is on", 0, 0, 0, "forum"),
    ("You are a pathetic idiot", 1, 0, 1, "forum"),
    ("I will find you and kill you tonight", None, 1, 1, "forum"),
    ("Please kill the process and start it again", 0, 0, 0, "forum"),
    ("What a stupid worthless loser you are", 1, 0, 1, "forum"),
    ("The train leaves at half past nine", 0, 0, 0, "forum"),
    ("Thank you for the lovely photographs", 0, 0, 0, "forum"),
    ("I am going to break your legs tomorrow", None, 1, 1, "forum"),
    ("Shut up, you disgusting moron", 1, 0, 1, "forum"),
    ("Our library closes early on Friday", 0, 0, 0, "forum"),
    ("Does the recipe need two eggs or three?", 0, 0, 0, "kitchen"),
    ("Beat the butter, then fold in the flour", 0, 0, 0, "kitchen"),
    ("This oven is hotter than mine", 0, 0, 0, "kitchen"),
    ("Leave the dough to rest for an hour", 0, 0, 0, "kitchen"),
    ("Slice the onions as thin as you can", 0, 0, 0, "kitchen"),
    ("My grandmother used more pepper", 0, 0, 0, "kitchen"),
    ("Salt the water before it boils", 0, 0, 0, "kitchen"),
    ("Any good bread near the station?", 0, 0, 0, "kitchen"),
    ("The soup was better the next day", 0, 0, 0, "kitchen"),
    ("", 0, 0, 0, "kitchen"),
)
COLUMNS = ("text", "insult", "threat", "any", "place")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The posts as CSV."""
    path = tmp_path / "posts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(POSTS)
    return path


LABELS = ("--text", "text", "--label", "insult", "--label", "threat=H3", "--label", "any")


async def test_eval_measures_and_reports(tmp_path: Path, data: Path):
    """Law: one command judges, measures by slice, and leaves tables and a page."""
    arguments = ("--out", "report", "--slice", "place", "--resamples", "100")
    result = await gavel("eval", "--data", str(data), *LABELS, *arguments, folder=tmp_path)
    assert result.status == 0, result.errors
    assert "AUPRC" in result.output
    assert "insult (H2): no harmful texts" in result.output, "of the kitchen"
    assert "not judged: 1, such as line 21" in result.errors

    with (tmp_path / "report/metrics.csv").open(encoding="utf-8", newline="") as file:
        lines = {(row["slice"], row["label"], row["metric"]): row for row in csv.DictReader(file)}
    insult = lines["all", "insult", "auroc"]
    assert (insult["scored_as"], insult["texts"], insult["unknown"]) == ("H2", "17", "2")
    assert float(insult["value"]) > 0.9
    assert lines["place=kitchen", "any", ""]["note"] == "no harmful texts, so nothing to rank"
    assert lines["place=kitchen", "", "over_flag_rate"]["texts"] == "9"

    with (tmp_path / "report/scores.csv").open(encoding="utf-8", newline="") as file:
        scores = {int(row["line"]): row for row in csv.DictReader(file)}
    assert len(scores) == len(POSTS)
    assert scores[4]["verdict"] == "block"
    assert scores[21]["error"]

    page = (tmp_path / "report/report.html").read_text("utf-8")
    assert len(list(ET.fromstring(page.partition("\n")[2]).iter("svg"))) == 9
    written = page + "".join(path.read_text("utf-8") for path in (tmp_path / "report").iterdir())
    assert "pathetic" not in written


async def test_eval_judges_as_moderate_does(tmp_path: Path, data: Path, server):
    """Law: a server that is named judges, and its answers are the same as those given here."""
    arguments = ("--data", str(data), *LABELS, "--resamples", "0")
    environment = {"GAVEL_TEXT__ENGINE": "onnxruntime"}
    here = await gavel(
        "eval", *arguments, "--out", "here", folder=tmp_path, environment=environment
    )
    there = await gavel(
        "eval", *arguments, "--out", "there", "--target", server.address, folder=tmp_path
    )
    assert (here.status, there.status) == (0, 0), there.errors
    ours, theirs = ((tmp_path / name / "scores.csv").read_text() for name in ("here", "there"))
    assert ours == theirs


async def test_eval_reads_json_lines(tmp_path: Path):
    """The same posts as JSON, with the labels that are unknown left out, count the same."""
    path = tmp_path / "posts.jsonl"
    records = (
        {name: value for name, value in zip(COLUMNS, post, strict=True) if value is not None}
        for post in POSTS
    )
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    arguments = ("--data", str(path), *LABELS, "--resamples", "0", "--out", "report")
    result = await gavel("eval", *arguments, folder=tmp_path)
    assert result.status == 0, result.errors
    with (tmp_path / "report/metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "auroc"]
    assert [(row["label"], row["texts"], row["unknown"]) for row in rows] == [
        ("insult", "17", "2"),
        ("threat", "19", "0"),
        ("any", "19", "0"),
    ]


async def test_thresholds_says_what_it_proposes_and_what_it_can_not(tmp_path: Path, data: Path):
    """Law: standard output is YAML for a policy; what the data can't bear is said in comments."""
    labels = ("--text", "text", "--label", "insult", "--label", "threat")
    result = await gavel(
        *("thresholds", "--data", str(data), *labels, "--max-fpr", "0.2"), folder=tmp_path
    )
    assert result.status == 0, result.errors
    categories = yaml.safe_load(result.output)["categories"]
    assert set(categories) == {"H2", "H3"}
    assert all(0 < rule["review"] < 1 and "block" not in rule for rule in categories.values())
    assert "block: too little data" in result.output
    assert "recall: too few harmful texts to say" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eval", "--out", "o", "--text", "text", "--label", "place=H2"), "posts.csv:2: column"),
        (("eval", "--out", "o", "--text", "txt", "--label", "insult"), "no column 'txt'"),
        (("eval", "--out", "o", "--text", "text", "--label", "place"), "does not tell"),
        (("eval", "--out", "posts.csv", "--text", "text", "--label", "insult"), "--out"),
        (("thresholds", "--text", "text", "--label", "any"), "single categories only"),
        (
            ("thresholds", "--text", "text", "--label", "insult", "--max-block-fpr", "0.4"),
            "is above --max-fpr",
        ),
    ],
)
async def test_a_mistake_is_a_line_and_no_trace(tmp_path: Path, data: Path, arguments, said: str):
    """Law: a wrong option or a bad cell ends with exit status 2 and says which."""
    command, *rest = arguments
    result = await gavel(command, "--data", str(data), *rest, folder=tmp_path)
    assert result.status == 2, result.output
    assert said in " ".join(result.errors.split())
    assert "Traceback" not in result.errors

"""Loaders of public sets, on small files of the same form that hold our own words."""

import subprocess
import sys
from pathlib import Path

import pytest
from training.scoreboard.__main__ import drawn, zeros_for_unchecked
from training.scoreboard.decisions import decide
from training.scoreboard.published import PUBLISHED
from training.scoreboard.sets import PUBLIC_SETS, PublicSet

from gaveld.bootstrap.evaluation.datasets import DatasetError
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.judging import Judgement, Refusal
from tests.unit.repo.tree import ROOT

BY_FOLDER = {about.folder: about for about in PUBLIC_SETS}
JIGSAW = "id,toxic,severe_toxic,obscene,threat,insult,identity_hate\n"
CIVIL = (
    "id,comment_text,toxicity,severe_toxicity,obscene,threat,insult,identity_attack,"
    "sexual_explicit\n"
)


def read(folder: Path, about: PublicSet, files: dict[str, str]) -> list[Example] | None:
    """Write a set's files and read it."""
    (folder / about.folder).mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / about.folder / name).write_text(content, "utf-8")
    return about.read(folder)


def test_openai_moderation(tmp_path: Path):
    """A label that is left out is unknown; a text is harmful when any label says so."""
    lines = (
        '{"prompt": "the bus is late", "S": 0, "H": 0, "V": 0, "HR": 0, "SH": 0}\n'
        '{"prompt": "the tea is cold", "HR": 1, "S3": 0, "H2": 0, "V2": 0}\n'
        '{"prompt": "the sun is out"}\n'
    )
    about = BY_FOLDER["openai_moderation"]
    first, second, third = read(tmp_path, about, {"samples-1680.jsonl": lines})
    columns = [label.column for label in about.labels]
    assert (first.text, first.truth[0], first.is_harmless) == ("the bus is late", False, True)
    assert second.truth[0] is True
    assert second.truth[columns.index("HR")] is True
    assert second.truth[columns.index("S")] is None
    assert set(third.truth) == {None}


def test_hatecheck(tmp_path: Path):
    """Each case has its functionality as its kind, and a gold label."""
    lines = (
        ",functionality,case_id,test_case,label_gold,target_ident\n"
        "0,kind_a,1,the bus is late,non-hateful,\n"
        "1,kind_b,2,the tea is cold,hateful,people\n"
    )
    examples = read(tmp_path, BY_FOLDER["hatecheck"], {"test_suite_cases.csv": lines})
    assert [(entry.truth, entry.slices) for entry in examples] == [
        ((False,), ("kind_a",)),
        ((True,), ("kind_b",)),
    ]


def test_hatecheck_with_another_label(tmp_path: Path):
    """A gold label that is neither is named by line, and never guessed."""
    lines = "functionality,test_case,label_gold\nkind_a,the bus is late,perhaps\n"
    with pytest.raises(DatasetError, match=r"test_suite_cases\.csv:2: column 'label_gold'"):
        read(tmp_path, BY_FOLDER["hatecheck"], {"test_suite_cases.csv": lines})


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "xstest_prompts.csv",
            (
                "id,prompt,type,label,focus,note\n1,the bus is late,buses,safe,,\n"
                "2,the tea is cold,contrast_buses,unsafe,,\n"
            ),
        ),
        (
            "xstest_v2_prompts.csv",
            (
                "id_v2,type,prompt,focus,note\n1,buses,the bus is late,,\n"
                "2,contrast_buses,the tea is cold,,\n"
            ),
        ),
    ],
)
def test_xstest(tmp_path: Path, name: str, lines: str):
    """Both releases say which prompts are safe: by a label, or by the name of the kind."""
    examples = read(tmp_path, BY_FOLDER["xstest"], {name: lines})
    assert [(entry.truth, entry.slices) for entry in examples] == [
        ((False,), ("buses",)),
        ((True,), ("contrast_buses",)),
    ]


def test_toxicchat(tmp_path: Path):
    """The user's turn is judged, not the model's answer."""
    lines = (
        "conv_id,user_input,model_output,human_annotation,toxicity,jailbreaking,"
        "openai_moderation\n"
        'a,the bus is late,take a taxi,True,0,1,"[[""x"", 0.1]]"\n'
    )
    about = BY_FOLDER["toxicchat"]
    (example,) = read(tmp_path, about, {"toxic-chat_annotation_test.csv": lines})
    assert (example.text, example.truth) == ("the bus is late", (False, True))


def test_jigsaw(tmp_path: Path):
    """Texts and labels are joined by id, and what was never scored is left out."""
    files = {
        "test.csv": 'id,comment_text\na,the bus is late\nb,"the tea, it is cold"\n',
        "test_labels.csv": f"{JIGSAW}b,1,0,0,0,1,0\na,-1,-1,-1,-1,-1,-1\n",
    }
    (example,) = read(tmp_path, BY_FOLDER["jigsaw"], files)
    assert example.text == "the tea, it is cold"
    assert example.truth == (True, False, False, False, True, False)


def test_jigsaw_with_a_label_of_no_text(tmp_path: Path):
    """An id without a text means that the two files are not of one release."""
    files = {
        "test.csv": "id,comment_text\na,the bus is late\n",
        "test_labels.csv": f"{JIGSAW}z,1,0,0,0,1,0\n",
    }
    with pytest.raises(DatasetError, match=r"test_labels\.csv:2: column 'id': not in test\.csv"):
        read(tmp_path, BY_FOLDER["jigsaw"], files)


def test_civil_comments(tmp_path: Path):
    """Both halves are read; half of the annotators make a label."""
    files = {
        "test_public_expanded.csv": f"{CIVIL}1,the bus is late,0.1,0,0,0,0,0,0\n",
        "test_private_expanded.csv": f"{CIVIL}2,the tea is cold,0.5,0,0,0,0.6,0,0\n",
    }
    about = BY_FOLDER["civil_comments"]
    first, second = read(tmp_path, about, files)
    assert set(first.truth) == {False}
    assert [value for value in second.truth if value] == [True, True]
    (tmp_path / about.folder / "test_private_expanded.csv").unlink()
    assert about.read(tmp_path) is None, "half a set is not the set"


def test_a_sample_is_the_same_each_time():
    """A limit draws from a fixed seed and keeps the order of lines."""
    examples = [Example(line, "words", (True,)) for line in range(50)]
    some = drawn(examples, 10)
    assert some == drawn(examples, 10)
    assert [entry.line for entry in some] == sorted({entry.line for entry in some})
    assert len(some) == 10
    assert drawn(examples, None) == drawn(examples, 99) == examples


def judgement(scores: dict[str, float], *, flagged: bool = False) -> Judgement:
    return Judgement(flagged, False, False, scores, {}, {})


def test_every_text_counts_on_the_scoreboard():
    """What was not checked scores 0 there, unless it was checked in no text."""
    filled = zeros_for_unchecked([judgement({"H1": 0.4}), judgement({}), Refusal("empty")])
    assert [getattr(entry, "category_scores", None) for entry in filled] == [
        {"H1": 0.4},
        {"H1": 0.0},
        None,
    ]


def test_decisions_by_kind():
    """Law: a decision is right when flagged is harmful; a refused text counts as not flagged."""
    examples = [
        Example(1, "words", (True,), ("a",)),
        Example(2, "words", (False,), ("a",)),
        Example(3, "words", (True,), ("b",)),
        Example(4, "words", (True,), ("b",)),
    ]
    results = [
        judgement({}, flagged=True),
        judgement({}, flagged=True),
        judgement({}),
        Refusal("empty"),
    ]
    kinds = {kind.name: kind for kind in decide(examples, results, ("verdict",))}
    assert {name: kind.right["verdict"].value for name, kind in kinds.items()} == {
        "all": pytest.approx(1 / 4),
        "harmful": pytest.approx(1 / 3),
        "harmless": 0,
        "a": pytest.approx(1 / 2),
        "b": 0,
    }


def test_published_figures_are_of_known_sets():
    """Every published figure is a share, has a source, and belongs to a set."""
    assert {entry.folder for entry in PUBLISHED} <= set(BY_FOLDER)
    assert all(0 < entry.value < 1 and entry.source for entry in PUBLISHED)


def test_the_scoreboard_runs_on_what_is_there(tmp_path: Path):
    """Law: sets that are there are measured beside published figures, others listed as missing."""
    lines = "functionality,test_case,label_gold\nkind_a,the bus is late,non-hateful\n"
    read(tmp_path, BY_FOLDER["hatecheck"], {"test_suite_cases.csv": lines})
    files = {
        "test.csv": "id,comment_text\na,the bus is late\n",
        "test_labels.csv": f"{JIGSAW}a,0,0,0,0,0,0\n",
    }
    read(tmp_path, BY_FOLDER["jigsaw"], files)
    result = subprocess.run(
        [sys.executable, "-m", "training.scoreboard", "--sets", str(tmp_path), "--resamples", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "HateCheck: 1 texts" in result.stdout
    assert "kind_a" in result.stdout
    assert "Perspective API" in result.stdout
    assert "Not held out" in result.stdout, "of Jigsaw's comments, which training uses"
    assert result.stdout.count("not found") == len(PUBLIC_SETS) - 2

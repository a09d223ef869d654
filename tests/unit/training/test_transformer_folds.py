"""What leaves the training with a source, what stays, and what is scored."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from training.linear.wording import clean, wording
from training.transformer.folds import (
    PLAN,
    Fold,
    at_most,
    check_names,
    read_plan,
    scored,
    staying,
)
from training.transformer.settings import read_settings

SOURCES = Path(__file__).parents[3] / "training" / "SOURCES.md"


@dataclass(frozen=True)
class Text:
    """As much of an example as folds look at."""

    text: str
    source: str
    part: str = "train"


texts = st.builds(
    Text,
    st.text("aB! &;", max_size=4),
    st.sampled_from(["forum", "tweets", "chats", "own_threat", "grammar_short"]),
    st.sampled_from(["train", "calibrate", "report"]),
)


@given(st.lists(texts, max_size=30), st.sets(st.sampled_from(["forum", "tweets"])))
def test_nothing_worded_like_a_left_out_text_stays(
    all_texts: list[Text], without: set[str]
) -> None:
    """Law: exactly the texts of other sources stay whose wording no left-out text has, in order."""
    worded = {wording(clean(one.text)) for one in all_texts if one.source in without}
    kept = [
        one
        for one in all_texts
        if one.source not in without and wording(clean(one.text)) not in worded
    ]
    assert staying(all_texts, without) == kept


def test_twins_leave_every_source_and_every_part() -> None:
    """Law: a twin in an own source, or one left out but never learnt from, gives nothing away."""
    held_out = Text("You are a CLOWN!!", "forum", "report")
    twins = [Text("you are a clown", "own_threat"), Text("you are a clown &amp;", "chats")]
    stays = Text("you are a clown, and late", "chats")
    assert staying([held_out, *twins, stays], {"forum"}) == [stays]
    assert staying([*twins, stays], {"forum"}) == [*twins, stays]


@given(st.lists(texts, max_size=30), st.integers(0, 10), st.integers(0, 3))
def test_scored_texts_are_of_the_source_and_valid_first(
    all_texts: list[Text], most: int, seed: int
) -> None:
    """Law: up to so many of the source's texts, no valid one left for another, by seed alone."""
    found = scored(all_texts, "forum", most, seed)
    of_source = [one for one in all_texts if one.source == "forum"]
    assert len(found) == min(most, len(of_source))
    assert all(one in of_source for one in found)
    valid = sum(one.part == "report" for one in of_source)
    assert sum(one.part == "report" for one in found) == min(most, valid)
    assert found == scored(all_texts, "forum", most, seed)


@given(st.lists(st.integers(), unique=True, max_size=30), st.integers(0, 40), st.integers(0, 3))
def test_a_mixture_is_cut_to_its_length_in_order(numbers: list[int], most: int, seed: int) -> None:
    """Law: at most so many stay, in their order, and all of them where there is room."""
    all_texts = [Text(str(number), "forum") for number in numbers]
    kept = at_most(all_texts, most, seed)
    assert len(kept) == min(most, len(all_texts))
    places = [all_texts.index(one) for one in kept]
    assert places == sorted(places)


def test_the_shipped_plan_leaves_out_documented_sources_once() -> None:
    """Law: each fold is of public sources that SOURCES.md names; the budget is 45,000 rows."""
    plan = read_plan()
    named = set(re.findall(r"^\| (\w+) \|", SOURCES.read_text(encoding="utf-8"), re.MULTILINE))
    left_out = [source for fold in plan.folds for source in fold.without]
    assert set(left_out) <= named
    assert len(left_out) == len(set(left_out))
    assert plan.most_rows <= 45_000


def test_the_smaller_run_differs_only_where_the_plan_says() -> None:
    """Law: ceilings join the product's, the plan's round is the only one, the rest is as it was."""
    settings = read_settings()
    plan = replace(
        read_plan(), data={"grammar_scale": 0.5, "ceilings": {"davidson": 3, "forum": 4}}
    )
    smaller = plan.smaller(settings)
    ceilings = {**settings.data.ceilings, "davidson": 3, "forum": 4}
    data = replace(settings.data, grammar_scale=0.5, ceilings=ceilings)
    assert smaller == replace(settings, data=data, rounds=(plan.round,))


@pytest.mark.parametrize(
    "folds",
    [
        {"one": {"without": ["forum"]}, "two": {"without": ["forum"]}},
        {"one": {"without": ["own_threat"]}},
        {"one": {"without": ["grammar_short"]}},
        {
            "one": {
                "without": ["forum"],
                "joined": {"name": "both", "labels": [], "sources": ["tweets"]},
            }
        },
    ],
)
def test_a_plan_that_would_mislead_is_refused(tmp_path: Path, folds: dict[str, object]) -> None:
    """Law: no source leaves twice, none of our own leaves, none that stays is measured."""
    path = tmp_path / "plan.yaml"
    document = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**document, "folds": folds}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"left out twice|that it keeps"):
        read_plan(path)


def test_an_unknown_name_in_a_plan_is_refused(tmp_path: Path) -> None:
    """Law: what the plan says and nobody reads is an error."""
    path = tmp_path / "plan.yaml"
    document = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**document, "most_row": 1}), encoding="utf-8")
    with pytest.raises(TypeError, match="most_row"):
        read_plan(path)


def test_sources_and_labels_that_are_not_there_are_refused() -> None:
    """Law: a fold that leaves out nothing, by a typo, never counts as evidence."""
    labels = ["toxicity", "severe_toxicity"]
    plan = replace(read_plan(), derived=("severe_toxicity",), folds=(Fold("one", ("forum",)),))
    check_names(plan, [Text("a", "forum")], labels)
    with pytest.raises(ValueError, match="forum"):
        check_names(plan, [Text("a", "forums")], labels)
    with pytest.raises(ValueError, match="severe_toxicity"):
        check_names(plan, [Text("a", "forum")], ["toxicity"])

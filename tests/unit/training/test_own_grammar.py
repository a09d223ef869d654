"""What grammars of own-written lines expand into, and that the shipped ones are sound."""

import re
from pathlib import Path

import pytest
from training.own.grammar import expand, parse

from gaveld.adapters.text.toxicity_model.labels import LABELS

GRAMMARS = sorted((Path(__file__).parents[3] / "training" / "own").rglob("*.grammar"))
LABELS_OF_DATA = {*LABELS, "sexual_minors"}


def written(folder: Path, text: str) -> Path:
    path = folder / "lines.grammar"
    path.write_text(text, encoding="utf-8")
    return path


def texts(folder: Path, text: str, seed: int = 1) -> list[str]:
    return [line.text.lower().rstrip(".!") for line in expand(parse(written(folder, text)), seed)]


def test_alternatives_nest_and_every_one_is_reached(tmp_path: Path) -> None:
    """Law: a line yields each of its distinct readings once, and nothing else."""
    found = texts(tmp_path, "== 60\n[a [big|small] cat|a dog] sleeps\n")
    assert set(found) == {"a big cat sleeps", "a small cat sleeps", "a dog sleeps"}


def test_columns_of_a_table_come_from_one_row(tmp_path: Path) -> None:
    """Law: words that must agree are never drawn from different rows."""
    grammar = "@table who: p | o\ncats | a cat\ndogs | a dog\n\n== 40\n{who.p}, such as {who.o}\n"
    assert set(texts(tmp_path, grammar)) == {"cats, such as a cat", "dogs, such as a dog"}


def test_an_alias_draws_a_row_of_its_own(tmp_path: Path) -> None:
    """Law: two names for one table can differ within a line."""
    grammar = "@table who: p\ncats\ndogs\n@alias other = who\n\n== 80\n{who.p} and {other.p}\n"
    assert {"cats and dogs", "cats and cats"} <= set(texts(tmp_path, grammar))


def test_a_section_heads_its_lines_with_labels(tmp_path: Path) -> None:
    """Law: a label is positive when named, unknown with a question mark, and never both."""
    (line,) = expand(parse(written(tmp_path, "== 1 threat violence?\nhello\n")), 1)
    assert (line.positive, line.unknown) == (frozenset({"threat"}), frozenset({"violence"}))


def test_words_that_meet_are_parted_and_marks_are_not(tmp_path: Path) -> None:
    """Law: what a slot yields stands as a writer would put it."""
    grammar = "@slot end: , full stop | and more\n\n== 40\nthe [red|blue]{end}\n"
    found = set(texts(tmp_path, grammar))
    assert found <= {f"the {c}{e}" for c in ("red", "blue") for e in (", full stop", " and more")}
    assert len(found) == 4


@pytest.mark.parametrize("text", ["== 2\nan [open bracket\n", "a line of no section\n"])
def test_a_malformed_grammar_is_refused(tmp_path: Path, text: str) -> None:
    """Law: a slip in a grammar stops training and does not become a text."""
    with pytest.raises(ValueError, match=r"bracket|section"):
        texts(tmp_path, text)


@pytest.mark.parametrize("path", GRAMMARS, ids=lambda path: path.stem)
def test_shipped_lines_are_clean_distinct_and_reproducible(path: Path) -> None:
    """Law: shipped grammars leave no notation, repeat no text, and depend on the seed only."""
    lines = expand(parse(path), 7, 0.2)
    assert lines == expand(parse(path), 7, 0.2)
    assert len({line.text.lower() for line in lines}) == len(lines)
    assert not [line.text for line in lines if re.search(r"[\[\]{}|]|\s{2}", line.text)]


@pytest.mark.parametrize("path", GRAMMARS, ids=lambda path: path.stem)
def test_shipped_labels_are_labels_of_the_model(path: Path) -> None:
    """Law: no section teaches a label that the model has not, and each file has harmless lines."""
    sections = parse(path).sections
    assert all(section.positive | section.unknown <= LABELS_OF_DATA for section in sections)
    assert any(not section.positive for section in sections)


def test_nothing_between_bars_is_a_choice(tmp_path: Path) -> None:
    """Law: a slot's empty values stay empty, however many stand together or at the end."""
    grammar = "@slot end: | , please | | |\n\n== 40\nwait{end}\n"
    assert set(texts(tmp_path, grammar)) == {"wait", "wait, please"}

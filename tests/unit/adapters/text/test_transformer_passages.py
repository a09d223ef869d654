"""How texts become passages: nothing lost, positions right, the work bounded."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.text.cpu_lane import WorkCancelled
from gaveld.adapters.text.transformer_model.passages import MAX_PASSAGES, Cut, PassageCutter
from tests.unit.adapters.text.tiny_transformer import write_transformer

MAX_TOKENS, OVERLAP = 32, 8
BOUND = MAX_PASSAGES * (MAX_TOKENS - 2 - OVERLAP)


@pytest.fixture(scope="module")
def cutter(tmp_path_factory) -> PassageCutter:
    folder = write_transformer(tmp_path_factory.mktemp("model"))
    return PassageCutter(folder / "tokenizer.json", MAX_TOKENS, OVERLAP)


def cut(cutter: PassageCutter, text: str) -> Cut:
    return cutter.cut(text, lambda: None)


def read_places(found: Cut) -> set[int]:
    """The code points of a text that some token covers."""
    return {
        place
        for passage in found.passages
        for start, end in passage.offsets
        for place in range(start, end)
    }


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_text_without_words_is_one_passage_of_marks(cutter: PassageCutter, text: str):
    """Law: there is always something to read."""
    (passage,) = cut(cutter, text).passages
    assert len(passage.ids) == 2
    assert passage.offsets == ()


def test_offsets_are_code_points_of_the_text(cutter: PassageCutter):
    """Law: characters beyond one byte or one UTF-16 unit count as one."""
    text = "é😀 idiot vermin"
    (passage,) = cut(cutter, text).passages
    words = [text[start:end] for start, end in passage.offsets]
    assert words[-2:] == ["idiot", "vermin"]


def test_pieces_of_a_word_share_its_number(cutter: PassageCutter):
    """Law: a word that is cut into pieces stays one word."""
    (passage,) = cut(cutter, "human humans").passages
    assert passage.words == (0, 1, 1)


@settings(deadline=None)
@given(text=st.text(st.sampled_from("aé😀 .!\n\u0430"), max_size=400))
def test_every_character_that_is_no_space_is_read(cutter: PassageCutter, text: str):
    """Law: nothing falls between tokens or between passages."""
    found = cut(cutter, text)
    assert found.unread_characters == 0
    assert {place for place, mark in enumerate(text) if not mark.isspace()} <= read_places(found)
    assert all(2 <= len(passage.ids) <= MAX_TOKENS for passage in found.passages)


@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_string_is_cut(cutter: PassageCutter, text: str):
    """Law: no string fails, lone surrogates included, and offsets lie within it."""
    for passage in cut(cutter, text).passages:
        assert len(passage.offsets) == len(passage.words) == len(passage.ids) - 2
        assert all(0 <= start <= end <= len(text) for start, end in passage.offsets)


def test_neighbours_overlap_and_begin_with_a_word(cutter: PassageCutter):
    """Law: what stands across an edge is seen whole by one of two passages."""
    passages = cut(cutter, "the humans androidiot " * 30).passages
    assert len(passages) > 3
    for before, after in pairwise(passages):
        shared = [offset for offset in after.offsets if offset in before.offsets]
        assert len(shared) >= OVERLAP
        assert before.words[before.offsets.index(after.offsets[0]) - 1] != after.words[0]


def test_equal_passages_have_equal_keys(cutter: PassageCutter):
    """Law: the key is what the network reads, so case and the place in the text don't matter."""
    (one,) = cut(cutter, "You idiot").passages
    (same,) = cut(cutter, "  you IDIOT").passages
    (other,) = cut(cutter, "you vermin").passages
    assert one.key == same.key != other.key


@pytest.mark.parametrize(
    ("unit", "is_read_whole"),
    [("idiot ", False), ("!", False), ("a b c d e f g h ", False), ("x" * 300, True)],
)
def test_a_megabyte_costs_no_more_than_the_bound(
    cutter: PassageCutter, unit: str, is_read_whole: bool
):
    """Law: of too many tokens the beginning and the end are read, and the rest is counted."""
    text = "you " + unit * (1_000_000 // len(unit)) + " vermin"
    found = cut(cutter, text)
    assert sum(len(passage.offsets) for passage in found.passages) <= 2 * BOUND
    places = read_places(found)
    assert {0, 1, 2, len(text) - 1} <= places
    assert (found.unread_characters == 0) is is_read_whole
    assert found.unread_characters <= len(text) - len(places)


def test_a_text_at_the_bound_is_read_whole(cutter: PassageCutter):
    """Law: the bound itself is still read, one token more is not."""
    whole, longer = cut(cutter, "idiot " * BOUND), cut(cutter, "idiot " * (BOUND + 1))
    assert whole.unread_characters == 0
    assert longer.unread_characters > 0


def test_the_work_stops_at_a_checkpoint(cutter: PassageCutter):
    """Law: a checkpoint that raises ends the work of a long text midway."""
    passed = []

    def checkpoint() -> None:
        passed.append(None)
        if len(passed) > 2:
            raise WorkCancelled

    with pytest.raises(WorkCancelled):
        cutter.cut("word " * 200_000, checkpoint)
    assert len(passed) == 3


def test_what_is_no_tokenizer_is_refused(tmp_path: Path):
    """Law: a broken file is an error that names it, when it is opened."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}", "utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        PassageCutter(path, MAX_TOKENS, OVERLAP)

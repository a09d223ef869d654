"""The frames around attacks, and the disguises that training puts texts in."""

import random

import pytest
from training.transformer.disguise import disguise
from training.transformer.settings import FRAMES


def test_each_frame_holds_its_place_once() -> None:
    """Law: a frame answers or assents, and has room for one text."""
    rows = [line.split("\t") for line in FRAMES.read_text(encoding="utf-8").splitlines()]
    assert {kind for kind, _ in rows} == {"answer", "assent"}
    assert all(frame.count("{X}") == 1 for _, frame in rows)


def test_a_disguise_changes_most_texts_and_follows_its_seed() -> None:
    """Law: disguises are drawn from the seed alone and nearly always alter something."""
    text = "nobody should have to read this"
    disguised = [disguise(text, random.Random(seed)) for seed in range(100)]
    assert disguised == [disguise(text, random.Random(seed)) for seed in range(100)]
    assert sum(other != text for other in disguised) > 90


@pytest.mark.parametrize("text", ["", "12", "ok!", "🙂", "да"])
def test_a_text_without_longer_words_is_left_alone(text: str) -> None:
    """Law: there is nothing to disguise in marks, numbers, short words or other scripts."""
    assert disguise(text, random.Random(1)) == text

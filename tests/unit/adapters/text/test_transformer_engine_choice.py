"""Which engine is chosen, by name and by engines whose speed the test sets."""

import importlib.metadata
import sys
from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest

from gaveld.adapters.text.transformer_model.engine import Ids, Logits
from gaveld.adapters.text.transformer_model.engine_choice import (
    ADVANTAGE,
    AUTO,
    BATCHES,
    ROUNDS,
    EngineNotInstalled,
    choose_engine,
    fastest,
)
from tests.unit.adapters.text.tiny_transformer import tiny_manifest

SIZES = [f"{rows}x{tokens}" for rows, tokens in BATCHES]


class Clock:
    """A clock that engines advance by what they are said to take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TimedEngine:
    """An engine that takes the seconds given for the small and the large batch, in turn."""

    def __init__(
        self, name: str, clock: Clock, small: Iterable[float], large: Iterable[float]
    ) -> None:
        self.name = name
        self._clock = clock
        self._seconds = {
            rows: iter(seconds) for (rows, _), seconds in zip(BATCHES, (small, large), strict=True)
        }

    def run(self, ids: Ids, mask: Ids) -> Logits:
        assert ids.shape == mask.shape
        assert ids.shape in BATCHES
        self._clock.seconds += next(self._seconds[len(ids)])
        return Logits(np.zeros((len(ids), 1)), np.zeros((*ids.shape, 1)))


def chosen(first: tuple[float, float], second: tuple[float, float]) -> str:
    """The name of the faster of two engines of constant speed."""
    clock = Clock()
    engines = [
        TimedEngine(name, clock, repeat(small), repeat(large))
        for name, (small, large) in {"first": first, "second": second}.items()
    ]
    return fastest(engines, clock).engine.name


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tiny_manifest(tmp_path).weights


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ((0.004, 0.024), (0.002, 0.015), "second"),
        ((0.002, 0.015), (0.004, 0.024), "first"),
        ((0.004, 0.024), (0.004 / (ADVANTAGE - 0.01), 0.024 / (ADVANTAGE - 0.01)), "first"),
        ((0.004, 0.024), (0.004 / (ADVANTAGE + 0.01), 0.024 / (ADVANTAGE + 0.01)), "second"),
    ],
)
def test_the_fastest_is_chosen(first, second, name: str):
    """Law: the faster engine is chosen, and the first unless another is faster by the advantage."""
    assert chosen(first, second) == name


def test_each_batch_counts_as_much():
    """Law: what is gained on a short text is not outweighed by the seconds of a full batch."""
    assert chosen((0.004, 0.020), (0.002, 0.030)) == "second"


def test_a_slow_moment_counts_for_nothing():
    """Law: the best time of each engine and batch counts, however the others were."""
    clock = Clock()
    hiccups = [9.0] * (2 * ROUNDS - 1)
    engines = [
        TimedEngine("steady", clock, repeat(0.004), repeat(0.024)),
        TimedEngine("disturbed", clock, chain(hiccups, [0.001]), chain(hiccups, [0.006])),
    ]
    choice = fastest(engines, clock)
    assert choice.engine is engines[1]
    assert choice.times["steady"] == pytest.approx(dict(zip(SIZES, (0.004, 0.024), strict=True)))
    assert choice.times["disturbed"] == pytest.approx(dict(zip(SIZES, (0.001, 0.006), strict=True)))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_the_engine_that_is_named_is_taken(weights: Path, name: str):
    """Law: what is asked for by name runs, and nothing is measured."""
    choice = choose_engine(name, weights, 1)
    assert choice.engine.name.startswith(f"{name}-{importlib.metadata.version(name)}")
    assert choice.times == {}


def test_all_that_are_installed_are_measured(weights: Path):
    """Law: without a name every installed engine is timed on every batch, and one of them runs."""
    choice = choose_engine(AUTO, weights, 1)
    assert [name.partition("-")[0] for name in choice.times] == ["onnxruntime", "openvino"]
    assert all(list(best) == SIZES and min(best.values()) > 0 for best in choice.times.values())
    assert choice.engine.name in choice.times


def test_without_openvino_there_is_no_choice(weights: Path, monkeypatch):
    """Law: the one engine that is installed runs, and nothing is measured."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    choice = choose_engine(AUTO, weights, 1)
    assert choice.engine.name.startswith("onnxruntime-")
    assert choice.times == {}


def test_an_engine_that_is_not_installed_is_named(weights: Path, monkeypatch):
    """Law: asking for what is not there is an error that says how to get it."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineNotInstalled, match=r"openvino is not installed.*gaveld\[openvino\]"):
        choose_engine("openvino", weights, 1)

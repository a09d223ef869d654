"""The panel's heads over a tiny network whose every word is known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.transformer_model import OnnxRuntimeEngine, TransformerTextClassifier
from gaveld.adapters.text.transformer_model.batcher import BatchRun
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from tests.unit.adapters.text.tiny_transformer import LABELS, PANEL_HEADS, tiny_manifest

CALIBRATION = {
    "panel_slopes": [[1.0] * len(LABELS)] * PANEL_HEADS,
    "panel_intercepts": [[float(head)] * len(LABELS) for head in range(PANEL_HEADS)],
}
"""Later heads find everything likelier."""


@pytest.fixture
def batches() -> list[BatchRun]:
    return []


Make = Callable[..., TransformerTextClassifier]


@pytest.fixture
async def make(tmp_path: Path, batches: list[BatchRun]) -> AsyncIterator[Make]:
    lane, made = CpuLane(threads=1), []

    def classifier(**changes) -> TransformerTextClassifier:
        manifest = tiny_manifest(tmp_path / str(len(made)), **changes)
        engine = OnnxRuntimeEngine(manifest.weights, threads=1)
        made.append(TransformerTextClassifier(lane, manifest, engine, on_batch=batches.append))
        return made[-1]

    yield classifier
    for entry in made:
        await asyncio.to_thread(entry.close)
    lane.close()


def sample(text: str) -> TextSample:
    return TextSample(read(text, lambda: None), DetectedLanguage("en", 0.9), Policy("test", {}))


async def test_each_head_speaks_by_its_own_calibration(make: Make):
    """Law: a head's probability is the sigmoid of its slope times the logit plus its intercept."""
    scores = await make(**CALIBRATION).score(sample("you idiot"))
    assert len(scores.as_sent) == PANEL_HEADS
    assert scores.as_sent[0]["H2"] == pytest.approx(0.982, abs=1e-3)  # logit 4
    assert scores.as_sent[3]["A1"] == pytest.approx(0.047, abs=1e-3)  # logit -6 + 3
    assert set(scores.as_sent[0]) == {"H2", "H1", "A1", "D1"}


async def test_a_report_is_the_classifiers(make: Make):
    """Law: asking the panel too changes nothing of what the classifier finds."""
    model = make(**CALIBRATION)
    text = sample("You are a stupid IDIOT, vermin!")
    assert (await model.score(text, [["the old human"]])).report == await model.classify(text)


async def test_a_disguise_is_seen_in_the_unmasked_reading(make: Make):
    """Law: the readings of a text are scored apart."""
    scores = await make(**CALIBRATION).score(sample("you i.d.i.o.t"))
    assert scores.as_sent[0]["H2"] < 0.01
    assert scores.unmasked[0]["H2"] > 0.9


async def test_further_texts_are_read_in_the_same_pass(make: Make, batches: list[BatchRun]):
    """Law: every different passage is read once, whichever and however many texts it stands in."""
    model = make(**CALIBRATION)
    groups = [["the old human", "vermin"], ["the old human"], ["vermin"]]
    scores = await model.score(sample("the old human"), groups)
    assert [group[0]["H1"] > 0.9 for group in scores.further] == [True, False, True]
    assert sum(batch.rows for batch in batches) == 2


async def test_a_network_without_a_panel_has_no_heads(make: Make):
    """Law: where the manifest speaks of no panel nothing is said of one."""
    model = make()
    await model.warm_up()
    assert model.heads == 0
    assert (await model.score(sample("vermin"))).as_sent == ()


async def test_a_panel_of_another_shape_is_refused(make: Make):
    """Law: a manifest that speaks of more heads than the network has is found out by warming up."""
    more = {name: [rows[0]] * (PANEL_HEADS + 1) for name, rows in CALIBRATION.items()}
    with pytest.raises(ValueError, match="not what its manifest says"):
        await make(**more).warm_up()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"panel_slopes": [[1.0]]}, "one number a label"),
        ({"panel_slopes": [[-1.0] * len(LABELS)]}, "ranks texts backwards"),
        ({"panel_slopes": []}, "longer"),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(make: Make, change: dict, words: str):
    """Law: every head has one positive slope and one intercept a label."""
    one = {name: rows[:1] for name, rows in CALIBRATION.items()}
    with pytest.raises(ValueError, match=words):
        make(**one | change)

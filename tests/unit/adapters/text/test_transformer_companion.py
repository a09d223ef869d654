"""Laws of the linear model beside the shipped transformer: its share, and the cascade."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.toxicity_model import LinearCompanion, blend
from gaveld.adapters.text.transformer_model import (
    SHIPPED_FOLDER,
    Manifest,
    OnnxRuntimeEngine,
    TransformerTextClassifier,
)
from gaveld.adapters.text.transformer_model.batcher import BatchRun
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Attribute

PLAIN = "What time does the library open on Saturday?"
HARMFUL = "By tomorrow night you won't be breathing."
numbers = st.floats(-20, 20)


def sample(text: str) -> TextSample:
    """A text as the server gives it to its classifiers."""
    return TextSample(
        read(text, lambda: None), DetectedLanguage("en", 1.0), Policy("companion", {})
    )


class Cascaded:
    """The shipped classifier with a cascade, and the batches that its engine ran."""

    def __init__(self, lane: CpuLane, below: float) -> None:
        self.batches: list[BatchRun] = []
        manifest = Manifest.read(SHIPPED_FOLDER)
        self.classifier = TransformerTextClassifier(
            lane,
            manifest,
            OnnxRuntimeEngine(manifest.weights, threads=1),
            on_batch=self.batches.append,
            cascade_below=below,
        )


@pytest.fixture
async def lane() -> AsyncIterator[CpuLane]:
    """One thread to tokenise on."""
    lane = CpuLane(threads=1)
    yield lane
    lane.close()


@pytest.mark.parametrize(
    ("text", "below", "is_read"),
    [(PLAIN, 0.1, False), (PLAIN, 0.0, True), (HARMFUL, 0.02, True)],
)
async def test_the_cascade_spares_plain_texts_alone(
    lane: CpuLane, text: str, below: float, is_read: bool
) -> None:
    """The engine is not asked where the linear model is sure, and only if that was asked for."""
    cascaded = Cascaded(lane, below)
    report = await cascaded.classifier.classify(sample(text))
    await asyncio.to_thread(cascaded.classifier.close)
    assert bool(cascaded.batches) is is_read
    assert 0.0 <= report.attributes[Attribute.TOXICITY] <= 1.0
    assert (Attribute.SEVERE_TOXICITY in report.attributes) is is_read


async def test_another_linear_model_is_refused(lane: CpuLane, tmp_path: Path) -> None:
    """What was calibrated beside one model is not served beside another."""
    folder = shutil.copytree(SHIPPED_FOLDER, tmp_path / "other")
    document = json.loads((folder / "model.json").read_text("utf-8"))
    document["companion"]["digest"] = "00000000"
    (folder / "model.json").write_text(json.dumps(document), "utf-8")
    manifest = Manifest.read(folder)
    engine = OnnxRuntimeEngine(manifest.weights, threads=1)
    with pytest.raises(ValueError, match="another linear model"):
        TransformerTextClassifier(lane, manifest, engine)


def test_a_text_without_words_says_nothing() -> None:
    """Where there is nothing to read the companion has no opinion, and the network's stands."""
    said = LinearCompanion().logits(read("", lambda: None), ("insult", "threat"), lambda: None)
    assert np.isnan(said).all()


def test_a_label_that_it_does_not_know_has_no_opinion() -> None:
    """Labels are matched by name, whatever their order."""
    companion = LinearCompanion()
    readings = read("you stupid idiot", lambda: None)
    forth = companion.logits(readings, ("insult", "sexual_minors", "threat"), lambda: None)
    back = companion.logits(readings, ("threat", "insult"), lambda: None)
    assert np.isnan(forth[1])
    assert (forth[0], forth[2]) == (back[1], back[0])


@given(numbers, numbers, st.floats(0, 1))
def test_a_blend_lies_between_its_parts(own: float, other: float, share: float) -> None:
    """Neither opinion is ever exceeded, and one that is missing changes nothing."""
    found = blend(np.array([own, own]), np.array([other, np.nan]), share)
    assert min(own, other) - 1e-9 <= found[0] <= max(own, other) + 1e-9
    assert found[1] == own

"""One suite for every ``PanelScorer``. A new one joins with one line in ``CASES``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.transformer_model import OnnxRuntimeEngine, TransformerTextClassifier
from gaveld.application.ports import PanelScorer
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from tests.fakes.panel_scorer import FakePanelScorer
from tests.unit.adapters.text.test_transformer_panel import CALIBRATION
from tests.unit.adapters.text.tiny_transformer import tiny_manifest

Opened = Callable[[Path], AbstractAsyncContextManager[PanelScorer]]


@asynccontextmanager
async def fake(_folder: Path) -> AsyncIterator[PanelScorer]:
    yield FakePanelScorer({"idiot": ("H2", 0.9), "vermin": ("H1", 0.9)})


@asynccontextmanager
async def transformer(folder: Path) -> AsyncIterator[PanelScorer]:
    lane, manifest = CpuLane(threads=1), tiny_manifest(folder, **CALIBRATION)
    model = TransformerTextClassifier(lane, manifest, OnnxRuntimeEngine(manifest.weights, 1))
    yield model
    await asyncio.to_thread(model.close)
    lane.close()


CASES: dict[str, Opened] = {"fake": fake, "transformer": transformer}
"""Each has heads that call "idiot" H2 and "vermin" H1, and finds nothing in "the old human"."""


@pytest.fixture(params=CASES)
async def scorer(request, tmp_path: Path) -> AsyncIterator[PanelScorer]:
    async with CASES[request.param](tmp_path) as scorer:
        yield scorer


def sample(text: str) -> TextSample:
    return TextSample(TextReadings.plain(text), DetectedLanguage("en", 0.9), Policy("test@1", {}))


async def test_every_head_speaks_of_every_category(scorer: PanelScorer):
    """Law: each head gives a probability for each category of the card, and the report is its."""
    scores = await scorer.score(sample("you idiot"))
    for view in (scores.as_sent, scores.unmasked):
        assert len(view) == scorer.heads
        for head in view:
            assert set(head) == scorer.card.categories
            assert all(0.0 <= chance <= 1.0 for chance in head.values())
    assert {finding.classifier for finding in scores.report.findings} == {scorer.card.name}


async def test_the_most_telling_text_of_a_group_counts(scorer: PanelScorer):
    """Law: a group says as much as the most telling of its texts; groups keep their order."""
    groups = [["the old human", "vermin"], ["the old human"], ["idiot"]]
    first, second, third = (await scorer.score(sample("you"), groups)).further
    assert first[0]["H1"] > 0.5 > first[0]["H2"]
    assert max(second[0].values()) < 0.5
    assert third[0]["H2"] > 0.5


async def test_equal_texts_get_equal_scores(scorer: PanelScorer):
    """Law: what a text is scored does not hang on what else is scored beside it."""
    alone = await scorer.score(sample("you idiot"))
    together = await asyncio.gather(
        *(scorer.score(sample(text), [["vermin"]]) for text in ("you idiot", "the old human"))
    )
    assert together[0].as_sent == alone.as_sent
    assert together[0].report.findings == alone.report.findings


async def test_a_cancelled_call_harms_no_other(scorer: PanelScorer):
    """Law: who goes away takes nothing from those who stay."""
    first, second = (asyncio.create_task(scorer.score(sample("idiot"))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).as_sent[0]["H2"] > 0.5

"""The transformer's classifier over a tiny network whose every word is known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.transformer_model import OnnxRuntimeEngine, TransformerTextClassifier
from gaveld.adapters.text.transformer_model.batcher import BatchRun, EngineOverloaded
from gaveld.adapters.text.transformer_model.classifier import MAX_SPANS, PASSAGES_AT_ONCE
from gaveld.adapters.text.transformer_model.passages import MAX_PASSAGES
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Attribute, ClassifierReport
from tests.fakes.engine import FakeEngine
from tests.unit.adapters.text.tiny_transformer import LABELS, tiny_manifest

POLICY = Policy("test", {})


@pytest.fixture(scope="module")
def lane():
    lane = CpuLane(threads=1)
    yield lane
    lane.close()


Make = Callable[..., TransformerTextClassifier]


@pytest.fixture
async def make(lane: CpuLane, tmp_path: Path) -> AsyncIterator[Make]:
    made: list[TransformerTextClassifier] = []

    def classifier(*, engine=None, on_batch=None, **changes) -> TransformerTextClassifier:
        manifest = tiny_manifest(tmp_path / str(len(made)), **changes)
        engine = engine or OnnxRuntimeEngine(manifest.weights, threads=1)
        made.append(TransformerTextClassifier(lane, manifest, engine, on_batch=on_batch))
        return made[-1]

    yield classifier
    for entry in made:
        await asyncio.to_thread(entry.close)


def sample(text: str, *, is_read_through: bool = False) -> TextSample:
    readings = read(text, lambda: None) if is_read_through else TextReadings.plain(text)
    return TextSample(readings, DetectedLanguage("en", 0.9), POLICY)


def pointed(report: ClassifierReport, text: str) -> list[tuple[str, str | None]]:
    """Each finding's category and words."""
    return [
        (finding.category_id, finding.span and text[finding.span.start : finding.span.end])
        for finding in report.findings
    ]


async def test_findings_point_at_the_words(make: Make):
    """Law: a toxicity finding's span is the words that the token head marks, as they were sent."""
    text = "You are a stupid IDIOT, vermin!"
    report = await make().classify(sample(text))
    assert pointed(report, text) == [("H2", "stupid IDIOT"), ("H1", "stupid IDIOT, vermin")]


async def test_a_label_without_words_means_the_whole_text(make: Make):
    """Law: no word is pointed at for labels whose words nobody marked."""
    report = await make().classify(sample("so old porn"))
    assert pointed(report, "so old porn") == [("A1", None)]


async def test_scores_are_calibrated_and_attributes_filled(make: Make):
    """Law: a score is the sigmoid of slope times logit plus intercept; attributes are all there."""
    calibration = {"slopes": [0.5] * len(LABELS), "intercepts": [-1.0] * len(LABELS)}
    report = await make(**calibration).classify(sample("vermin"))
    assert report.attributes[Attribute.IDENTITY_ATTACK] == pytest.approx(0.8176, abs=1e-4)
    assert report.attributes[Attribute.SEVERE_TOXICITY] == pytest.approx(0.5, abs=1e-4)
    assert set(report.attributes) == make(**calibration).card.attributes
    assert [finding.score for finding in report.findings if finding.category_id == "H1"] == [
        report.attributes[Attribute.IDENTITY_ATTACK]
    ]


async def test_the_stronger_of_two_readings_counts(make: Make):
    """Law: a disguised word is found in the unmasked reading and pointed at in the text as sent."""
    text = "you are an i.d.i.o.t, so"
    report = await make().classify(sample(text, is_read_through=True))
    assert pointed(report, text) == [("H2", "i.d.i.o.t")]
    assert await make().classify(sample(text)) != report


async def test_a_reading_that_changes_no_token_costs_nothing(make: Make):
    """Law: letter case and accents are the tokenizer's own business, not a second pass."""
    runs: list[BatchRun] = []
    await make(on_batch=runs.append).classify(sample("YOU Idiot", is_read_through=True))
    assert [run.rows for run in runs] == [1]


async def test_every_passage_of_a_long_text_points_at_its_words(make: Make):
    """Law: findings lie where the words are, in whichever passage that is."""
    text = "idiot " + "you are so old " * 40 + "stupid idiot"
    report = await make().classify(sample(text))
    spans = [finding.span for finding in report.findings]
    assert [(span.start, span.end) for span in spans] == [(0, 5), (len(text) - 12, len(text))]
    assert report.unread == ""


async def test_what_a_long_text_hides_is_said(make: Make):
    """Law: a text beyond the bound is read at both ends, and the report admits the rest."""
    text = "you " * 40 * MAX_PASSAGES
    report = await make().classify(sample(text + "idiot"))
    assert pointed(report, text + "idiot") == [("H2", "idiot")]
    unread = int(report.unread.split("; ")[1].split()[0])
    assert 0 < unread < len(text)
    assert "you" not in report.unread


async def test_spans_are_bounded(make: Make):
    """Law: a text full of hits gets a bounded report that reaches to the last of them."""
    text = "idiot you " * (MAX_SPANS + 50) + "idiot"
    report = await make().classify(sample(text))
    assert len(report.findings) == MAX_SPANS
    assert report.findings[-1].span.end == len(text)


async def test_a_long_text_lets_others_in(make: Make):
    """Law: however many passages a text has, only a few of them wait at a time."""
    engine = FakeEngine(hold=True)
    classifier = make(engine=engine, max_tokens=8)
    words = ["you", "are", "a", "the", "old", "so", "human", "idiot", "vermin", "stupid"]
    text = " ".join(words[(place * place) % 9] + " " + words[place % 10] for place in range(200))
    task = asyncio.create_task(classifier.classify(sample(text)))
    first = await asyncio.to_thread(engine.begun.get, timeout=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    engine.release(1_000)
    await asyncio.to_thread(classifier.close)
    assert len(first) <= PASSAGES_AT_ONCE
    assert sum(map(len, engine.batches)) <= PASSAGES_AT_ONCE


async def test_an_overloaded_engine_is_a_failure_and_not_a_clean_report(make: Make, monkeypatch):
    """Law: what could not be asked raises, so that the fan-out lists it."""
    classifier = make(engine=FakeEngine())
    monkeypatch.setattr(classifier._batcher, "_max_waiting", 0)
    with pytest.raises(EngineOverloaded):
        await classifier.classify(sample("you"))


async def test_a_network_that_is_not_the_manifests_does_not_warm_up(make: Make):
    """Law: outputs of another shape are found at the start, not in a verdict."""
    with pytest.raises(ValueError, match="manifest"):
        await make(engine=FakeEngine()).warm_up()


async def test_warming_up_runs_each_padded_length_once(make: Make):
    """Law: after the warm-up no caller is the first to bring a shape."""
    runs: list[BatchRun] = []
    await make(on_batch=runs.append, max_tokens=60).warm_up()
    assert [run.padded_tokens for run in runs] == list(range(8, 65, 8))


async def test_the_card_names_the_engine(make: Make):
    """Law: the version tells weights and engine, and the limits say what is not read."""
    card = make().card
    assert card.version.partition(".onnxruntime-")[1]
    assert str(MAX_PASSAGES * 24) in card.limits
    assert card.languages == {"en"}
    assert card.has_exact_spans
    assert card.categories == {"A1", "D1", "H1", "H2"}


WORDS = st.lists(
    st.sampled_from(
        ["idiot", "vermin", "stupid", "you", "humans", "é", "😀", "!", "\u200b", "1d10t"]
    ),
    max_size=80,
)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(WORDS.map(" ".join), min_size=1, max_size=12))
async def test_company_changes_no_report(lane: CpuLane, tmp_path_factory, texts: list[str]):
    """Law: a text is judged the same alone and among others that are judged at the same time."""
    manifest = tiny_manifest(tmp_path_factory.mktemp("model"))
    engine = OnnxRuntimeEngine(manifest.weights, threads=1)
    classifier = TransformerTextClassifier(lane, manifest, engine)
    samples = [sample(text, is_read_through=True) for text in texts]
    together = await asyncio.gather(*map(classifier.classify, samples))
    alone = [await classifier.classify(one) for one in samples]
    await asyncio.to_thread(classifier.close)
    assert together == alone

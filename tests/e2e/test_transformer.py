"""A server with a transformer, from its folder to the answer."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path

import grpc.aio
import pytest
from gavel.v1 import category_service_pb2, category_service_pb2_grpc, verdict_pb2
from gavel.v1.moderation_service_pb2 import ModerateTextRequest, ModerateTextResponse
from gavel.v1.moderation_service_pb2_grpc import ModerationServiceStub

from gaveld.bootstrap.container import build
from gaveld.bootstrap.settings import SettingsError, load_settings
from tests.e2e.conftest import Server, until_metric
from tests.unit.adapters.text.tiny_transformer import write_transformer

TEXT = "You are a stupid idiot, 😀!"


@pytest.fixture
async def server(serve: Callable, tmp_path: Path) -> Server:
    return await serving(serve, tmp_path, "onnxruntime")


async def serving(serve: Callable, tmp_path: Path, engine: str) -> Server:
    """Start a server with nothing but a transformer, on the engine that is named."""
    folder = write_transformer(tmp_path / "model")
    return await serve(
        GAVEL_TEXT__CLASSIFIERS='["transformer"]',
        GAVEL_TEXT__TRANSFORMER_FOLDER=str(folder),
        GAVEL_TEXT__ENGINE=engine,
    )


async def asked(server: Server, **request) -> ModerateTextResponse:
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = ModerationServiceStub(channel)
        return await stub.ModerateText(ModerateTextRequest(**request), timeout=60)


async def test_the_words_are_pointed_at(server: Server):
    """Law: a finding's span, on the wire, is the words that caused it."""
    answer = await asked(server, text=TEXT, explain=True)
    (finding,) = answer.findings
    assert finding.category_id == "H2"
    span = finding.span
    assert TEXT.encode()[span.byte_start : span.byte_end].decode() == "stupid idiot"
    assert answer.attribute_scores.insult == pytest.approx(0.982, abs=1e-3)
    (outcome,) = [one for one in answer.classifier_outcomes if one.name == "transformer"]
    assert outcome.status == verdict_pb2.CLASSIFIER_STATUS_RAN
    assert "onnxruntime" in outcome.version


async def test_topics_and_mood_are_told(server: Server):
    """Law: on the wire, too, a text has topics and a mood, and a cached answer has the same."""
    text = "you are in the old parliament, so lovely"
    for _ in range(2):
        answer = await asked(server, text=text)
        assert [topic.name for topic in answer.topics] == ["politics"]
        assert answer.topics[0].score == pytest.approx(0.982, abs=1e-3)
        assert answer.sentiment.label == verdict_pb2.SENTIMENT_LABEL_POSITIVE
        assert 0 < answer.sentiment.score < 1
    assert answer.cached


async def test_another_language_has_neither(server: Server):
    """Law: what is not English has no topic and no mood, rather than guessed ones."""
    text = "Das alte parliament ist heute leider geschlossen, wir kommen morgen wieder, so lovely"
    answer = await asked(server, text=text)
    assert answer.language.code == "de"
    assert not answer.topics
    assert not answer.HasField("sentiment")


async def test_the_second_answer_is_cached(server: Server):
    """Law: an equal text is not read twice, the answer says so, and its timings are its own."""
    first = await asked(server, text=TEXT, explain=True)
    second = await asked(server, text=TEXT, explain=True)
    assert (first.cached, second.cached) == (False, True)
    assert [timing.stage for timing in second.timings] == ["cache", "judge"]
    assert second.verdict == first.verdict
    assert second.findings == first.findings
    assert second.category_scores == first.category_scores


async def test_calls_at_once_share_batches(server: Server):
    """Law: what arrives while the engine is busy is answered right and counted by the batch."""
    texts = [f"you are old {'!' * number}" for number in range(30)] + ["vermin"] * 10
    answers = await asyncio.gather(*(asked(server, text=text) for text in texts))
    flagged = [bool(answer.findings) for answer in answers]
    assert flagged == [False] * 30 + [True] * 10
    await until_metric(server, "gavel_engine_batch_size_passages_count", 1)


async def test_the_engine_that_runs_is_listed(server: Server):
    """Law: ListCategories says what the transformer can't see and what it runs on."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = category_service_pb2_grpc.CategoryServiceStub(channel)
        listing = await stub.ListCategories(category_service_pb2.ListCategoriesRequest())
    assert "Runs on onnxruntime" in str(listing)


async def test_openvino_runs_when_it_is_named(serve: Callable, tmp_path: Path):
    """Law: the engine of the settings answers, and answers and metrics name it."""
    server = await serving(serve, tmp_path, "openvino")
    answer = await asked(server, text=TEXT, explain=True)
    assert [finding.category_id for finding in answer.findings] == ["H2"]
    engine = f"openvino-{version('openvino')}-f32"
    (outcome,) = [one for one in answer.classifier_outcomes if one.name == "transformer"]
    assert outcome.version.endswith(f".{engine}")
    await until_metric(server, "gavel_engine_info", 1, engine=engine)


async def test_the_choice_of_an_engine_is_logged(serve: Callable, tmp_path: Path):
    """Law: where the server chose, one event says what it chose and by which figures."""
    server = await serving(serve, tmp_path, "auto")
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    (event,) = [line for line in lines if line["event"] == "engine_chosen"]
    figures = event["best_milliseconds"]
    assert [name.partition("-")[0] for name in figures] == ["onnxruntime", "openvino"]
    assert all(set(best) == {"1x32", "16x32"} for best in figures.values())
    assert event["engine"] in figures
    await until_metric(server, "gavel_engine_info", 1, engine=event["engine"])


@pytest.mark.parametrize("folder", ["nowhere", "."])
async def test_a_folder_without_a_model_stops_the_start(tmp_path: Path, folder: str):
    """Law: a model that can't be served is an error that names the setting, not a silent gap."""
    text = {"classifiers": ["transformer"], "transformer_folder": tmp_path / folder}
    storage = {"url": f"sqlite+aiosqlite:///{tmp_path}/gavel.db"}
    settings = load_settings(overrides={"text": text, "storage": storage})
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"text\.transformer_folder"):
            await build(settings, stack)

"""What a text is about and its mood, from a tiny network whose every word is known."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.transformer_model import OnnxRuntimeEngine, TransformerTextClassifier
from gaveld.adapters.text.transformer_model.batcher import PassageLogits
from gaveld.adapters.text.transformer_model.manifest import Manifest, SentimentOutputs, TopicOutput
from gaveld.adapters.text.transformer_model.subject import SubjectReader
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import MAX_TOPICS, ClassifierReport, SentimentLabel
from tests.unit.adapters.text.tiny_transformer import QUIET, SUBJECT, TOPICS, tiny_manifest

POLICY = Policy("test", {})
NOTHING = np.empty(0, np.float32)
Ask = Callable[..., ClassifierReport]


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    """Judge a text by a tiny transformer whose manifest has some changes."""
    lane = CpuLane(threads=1)
    made: list[TransformerTextClassifier] = []

    async def judged(text: str, **changes) -> ClassifierReport:
        manifest = tiny_manifest(tmp_path / str(len(made)), **changes)
        engine = OnnxRuntimeEngine(manifest.weights, threads=1)
        made.append(TransformerTextClassifier(lane, manifest, engine))
        await made[-1].warm_up()
        readings = read(text, lambda: None)
        return await made[-1].classify(TextSample(readings, DetectedLanguage("en", 0.9), POLICY))

    yield judged
    for classifier in made:
        await asyncio.to_thread(classifier.close)
    lane.close()


def sigmoid(margin: float) -> float:
    return 1 / (1 + math.exp(-margin))


def named(report: ClassifierReport) -> list[str]:
    return [topic.name for topic in report.topics]


async def test_topics_that_reach_their_thresholds_are_named_likeliest_first(ask: Ask):
    """Law: a topic's score is the sigmoid of its calibrated logit, and so is it ordered."""
    text = "the match, so the old parliament!"
    report = await ask(text)
    assert named(report) == ["politics", "sports"]
    assert report.topics[0].score == pytest.approx(sigmoid(4.0))
    changed = {"topic_slopes": [0.5, 2.0, 1.0], "topic_intercepts": [0.0, -1.0, 0.0]}
    report = await ask(text, **changed)
    assert named(report) == ["sports", "politics"]
    assert report.topics[0].score == pytest.approx(sigmoid(5.0))
    just_above = [0.5, sigmoid(3.0) + 1e-6, 0.5]
    assert named(await ask(text, topic_thresholds=just_above)) == ["politics"]


async def test_no_topic_is_an_answer(ask: Ask):
    """Law: a text about nothing that is known has no topic, and still has a mood."""
    report = await ask("you are so old")
    assert report.topics == ()
    assert report.sentiment is not None
    assert report.sentiment.label is SentimentLabel.NEUTRAL


@pytest.mark.parametrize(
    ("text", "label", "sign"),
    [
        ("so lovely", SentimentLabel.POSITIVE, 1),
        ("so awful", SentimentLabel.NEGATIVE, -1),
        ("lovely, so awful", SentimentLabel.NEGATIVE, -1),
    ],
)
async def test_the_mood_is_the_likeliest(ask: Ask, text: str, label: SentimentLabel, sign: int):
    """Law: the label is the likeliest mood and the score leans its way."""
    sentiment = (await ask(text)).sentiment
    assert sentiment.label is label
    assert sentiment.score * sign > 0


async def test_the_mood_is_calibrated(ask: Ask):
    """Law: moods are the softmax of slope times logit plus intercept."""
    sentiment = (await ask("lovely", sentiment_slope=0.5, sentiment_intercepts=[1, 0, 0])).sentiment
    weights = np.exp([QUIET * 0.5 + 1, 0.0, 2.0 * 0.5])
    assert sentiment.score == pytest.approx((weights[2] - weights[0]) / weights.sum())


async def test_a_long_text_goes_by_the_mean_of_its_passages(ask: Ask):
    """Law: one passage of many does not speak for the whole text."""
    long = "you are so old " * 60
    short = await ask("so old parliament", topic_thresholds=[0.01] * len(TOPICS))
    report = await ask(long + "parliament", topic_thresholds=[0.01] * len(TOPICS))
    assert report.topics[0].name == short.topics[0].name == "politics"
    assert report.topics[0].score < short.topics[0].score / 4
    assert named(await ask(long + "parliament")) == []
    assert named(await ask("so the parliament " * 80)) == ["politics"]


async def test_only_the_text_as_it_was_sent_counts(ask: Ask):
    """Law: what unmasking reads into a text is for finding harm, not for its subject."""
    report = await ask("p4rliament, you i.d.i.o.t")
    assert report.findings
    assert report.topics == ()


async def test_a_network_without_topics_and_moods_still_serves(ask: Ask):
    """Law: not worked out is unset, and everything else is as it was."""
    with_subject = await ask("stupid idiot")
    without = await ask("stupid idiot", tells_subject=False)
    assert (without.topics, without.sentiment) == ((), None)
    assert without.attributes == with_subject.attributes


async def test_a_network_that_lacks_what_its_manifest_promises_does_not_warm_up(ask: Ask):
    """Law: a missing head is found at the start, not by silence about every text."""
    with pytest.raises(ValueError, match="manifest"):
        await ask("you", tells_subject=False, **SUBJECT)


def reader(topics: int) -> SubjectReader:
    manifest = Manifest(
        weights=Path("weights"),
        tokenizer=Path("tokenizer"),
        max_tokens=32,
        labels=(),
        token_kinds=0,
        token_threshold=0.5,
        topics=tuple(TopicOutput(f"topic {n}", 1.0, 0.0, 0.01) for n in range(topics)),
        sentiment=SentimentOutputs(1.0, (0.0, 0.0, 0.0)),
    )
    return SubjectReader(manifest)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            arrays(np.float32, 12, elements=st.floats(-1e4, 1e4, width=32)),
            arrays(np.float32, 3, elements=st.floats(-1e4, 1e4, width=32)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_network_says_the_answer_is_lawful(numbers: list[tuple]):
    """Law: at most so many topics, likeliest first, each once; a mood within its bounds."""
    passages = [PassageLogits(NOTHING, NOTHING, *pair) for pair in numbers]
    topics, sentiment = reader(12).topics(passages), reader(12).sentiment(passages)
    scores = [topic.score for topic in topics]
    assert len(topics) == len({topic.name for topic in topics}) <= MAX_TOPICS
    assert scores == sorted(scores, reverse=True)
    assert sentiment is not None

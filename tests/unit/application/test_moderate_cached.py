"""What the moderate-text use case remembers of a text, and what it works out anew."""

import asyncio
from dataclasses import replace

import pytest

from gaveld.application.moderate import ModerateText, TextJudgement
from gaveld.domain.actions import Action
from gaveld.domain.content import DetectedLanguage, Span, TextReadings, TextSample, TextSubmission
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy, PolicyOverrides
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierReport,
    Finding,
    OutcomeStatus,
    Sentiment,
    SentimentLabel,
    Topic,
)
from tests.fakes.language_detector import FakeLanguageDetector
from tests.fakes.policies import FakePolicyStore
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.verdict_cache import FakeVerdictCache

POLICY = Policy("house@1", {"H2": CategoryRule(0.5, 0.9, required=True)}, masked=frozenset({"H2"}))
KIDS = replace(POLICY, revision="kids@1", categories={"H2": CategoryRule(0.2, 0.6)})
NO_OVERRIDES = PolicyOverrides()
TEXT = "you are a fool and it is so"
TOPICS = (Topic("relationships", 0.7), Topic("family", 0.4))
MOOD = Sentiment(SentimentLabel.NEGATIVE, -0.8)


class Plain:
    """A normaliser for texts that hide nothing."""

    async def normalise(self, text: str) -> TextReadings:
        return TextReadings.plain(text)


class Finds:
    """Finds one word, until it is told to fail or to hang, and counts how often it was asked."""

    def __init__(self) -> None:
        self.card = ClassifierCard("finder", "1", frozenset({"H2"}))
        self.asked = 0
        self.fails = self.hangs = False
        self.unread = ""

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: TextSample) -> ClassifierReport:
        self.asked += 1
        if self.fails:
            raise RuntimeError("down")
        if self.hangs:
            await asyncio.Event().wait()
        at = sample.text.find("fool")
        if at < 0:
            return ClassifierReport()
        found = Finding("H2", 0.7, "a word", "finder", "1", Span(at, at + 4))
        return ClassifierReport((found,), unread=self.unread, topics=TOPICS, sentiment=MOOD)


class House:
    """The use case with its parts within reach. Houses may share a cache."""

    def __init__(self, cache: FakeVerdictCache | None, version: str = "1") -> None:
        self.finder, self.telemetry, self.cache = Finds(), FakeTelemetry(), cache
        self.finder.card = replace(self.finder.card, version=version)
        self._use_case = ModerateText(
            normaliser=Plain(),
            language_detector=FakeLanguageDetector(DetectedLanguage("en", 0.9)),
            classifiers=[self.finder],
            policies=FakePolicyStore(POLICY, kids=KIDS),
            telemetry=self.telemetry,
            max_text_bytes=100,
            cache=cache,
        )

    async def judge(
        self,
        text: str = TEXT,
        overrides: PolicyOverrides = NO_OVERRIDES,
        project: str = "any",
        deadline_seconds: float = 5,
        **facts,
    ) -> TextJudgement:
        return await self._use_case(
            TextSubmission(text, **facts),
            project=project,
            overrides=overrides,
            deadline_seconds=deadline_seconds,
        )


@pytest.fixture
def house() -> House:
    return House(FakeVerdictCache())


async def test_a_text_is_read_once_and_the_answer_says_so(house: House):
    """Law: the second answer is the first's, marked as cached; nobody is asked again."""
    first, second = await house.judge(), await house.judge()
    assert (first.is_cached, second.is_cached) == (False, True)
    assert house.finder.asked == 1
    assert second == replace(first, timings=second.timings, is_cached=True)
    assert (second.topics, second.sentiment) == (TOPICS, MOOD)


async def test_a_cached_answer_is_counted_for_what_it_is(house: House):
    """Law: its verdict counts, classifiers that did not run don't, and the stages are its own."""
    await house.judge()
    outcomes = list(house.telemetry.outcomes)
    second = await house.judge()
    assert house.telemetry.outcomes == outcomes
    assert house.telemetry.lookups == [False, True]
    assert [action for action, _ in house.telemetry.verdicts] == [Action.REVIEW, Action.REVIEW]
    assert [timing.stage for timing in second.timings] == ["cache", "judge"]


async def test_without_a_cache_nothing_is_remembered():
    """Law: it can be turned off."""
    house = House(None)
    judgements = [await house.judge(), await house.judge()]
    assert not any(judgement.is_cached for judgement in judgements)
    assert house.finder.asked == 2
    assert house.telemetry.lookups == []
    assert "cache" not in dict(house.telemetry.stages)


@pytest.mark.parametrize(
    "other",
    [
        {"text": TEXT + "!"},
        {"text": TEXT.upper()},
        {"project": "kids"},
        {"blocked_terms": ("acme",)},
    ],
)
async def test_what_reaches_the_classifiers_is_part_of_the_key(house: House, other: dict):
    """Law: another text, policy or list of terms is read anew."""
    await house.judge()
    assert not (await house.judge(**other)).is_cached


async def test_another_model_is_asked_anew(house: House):
    """Law: the key names the models, so a new version never answers with an old one's scores."""
    await house.judge()
    assert not (await House(house.cache, version="2").judge()).is_cached


async def test_overrides_are_applied_to_what_was_learnt(house: House):
    """Law: thresholds and masks of a call hold for a cached text, and stay with that call."""
    await house.judge()
    stricter = PolicyOverrides({"H2": CategoryChange(block=0.6)}, masked=frozenset())
    strict = await house.judge(overrides=stricter)
    assert strict.is_cached
    assert strict.verdict.action is Action.BLOCK
    assert strict.verdict.policy_revision == "house@1+overrides"
    assert strict.filtered_text == TEXT
    assert (await house.judge()).filtered_text == TEXT.replace("fool", "****")


async def test_what_a_call_says_about_a_text_is_worked_out_anew(house: House):
    """Law: facts that no classifier reads neither miss the cache nor stick in it."""
    assert not (await house.judge(expected_language="en")).language_is_unexpected
    unexpected = await house.judge(expected_language="de")
    assert unexpected.is_cached
    assert unexpected.language_is_unexpected


async def test_a_failure_is_not_remembered(house: House):
    """Law: what may be otherwise the next time is asked again."""
    house.finder.fails = True
    assert (await house.judge()).outcomes[1].status is OutcomeStatus.FAILED
    house.finder.fails = False
    again = await house.judge()
    assert not again.is_cached
    assert again.outcomes[1].status is OutcomeStatus.RAN


async def test_a_late_classifier_is_not_remembered(house: House):
    """Law: a text that was looked at in a hurry is looked at again by who has time."""
    house.finder.hangs = True
    hurried = await house.judge(deadline_seconds=0.05)
    assert hurried.outcomes[1].status is OutcomeStatus.TIMED_OUT
    house.finder.hangs = False
    assert not (await house.judge()).is_cached


async def test_what_was_left_unread_stays_unread(house: House):
    """Law: a cached verdict admits the same gaps as the one it repeats."""
    house.finder.unread = "The middle was not read."
    first, second = await house.judge(), await house.judge()
    assert second.is_cached
    assert second.verdict == first.verdict
    assert second.verdict.by_incompleteness is first.verdict.by_incompleteness
    assert second.outcomes[1].reason == "The middle was not read."
    assert len(house.telemetry.bypasses) == 2
    assert not second.outcomes[1].is_check


async def test_a_cache_out_of_reach_costs_time_only(house: House):
    """Law: without its cache the server answers as it would have."""
    house.cache.is_reachable = False
    first, second = await house.judge(), await house.judge()
    assert second == replace(first, timings=second.timings, outcomes=second.outcomes)
    assert house.finder.asked == 2


async def test_nothing_of_the_text_is_kept(house: House):
    """Law: a cache holds scores and positions; keys are digests."""
    await house.judge("you fool, call anna@example.com")
    ((key, learnt),) = house.cache.kept.items()
    assert len(key) == 32
    assert "anna" not in repr(learnt)
    assert "fool" not in repr(learnt)

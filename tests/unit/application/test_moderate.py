"""The moderate-text use case, over classifiers that do as they are told."""

import hashlib
from dataclasses import replace

import pytest

from gaveld.application.moderate import ModerateText, TextJudgement
from gaveld.domain.actions import Action
from gaveld.domain.content import DetectedLanguage, Span, TextReadings, TextSample, TextSubmission
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, InvalidRequest
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy, PolicyOverrides
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding, OutcomeStatus
from gaveld.domain.verdicts import CoverageStatus
from tests.fakes.policies import FakePolicyStore

POLICY = Policy(
    "house@1",
    {"H2": CategoryRule(0.5, 0.9, required=True)},
    masked=frozenset({"H2"}),
    expected_languages=frozenset({"en"}),
)


class Plain:
    """A normaliser for texts that hide nothing."""

    async def normalise(self, text: str) -> TextReadings:
        return TextReadings.plain(text)


class Knows:
    """A detector that knows the answer, or falls over."""

    card = ClassifierCard("language", "1", frozenset())

    def __init__(self, language: DetectedLanguage | None) -> None:
        self._language = language

    async def detect(self, text: str) -> DetectedLanguage:
        if self._language is None:
            raise RuntimeError(text)
        return self._language


class Finds:
    """Finds a word and calls it an insult, in English."""

    card = ClassifierCard("finder", "1", frozenset({"H2"}), languages=frozenset({"en"}))

    def __init__(self, word: str, score: float) -> None:
        self._word, self._score = word, score
        self.samples: list[TextSample] = []

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: TextSample) -> ClassifierReport:
        self.samples.append(sample)
        at = sample.text.find(self._word)
        if at < 0:
            return ClassifierReport()
        span = Span(at, at + len(self._word))
        return ClassifierReport((Finding("H2", self._score, "a word", "finder", "1", span),))


class Counts:
    """Telemetry that a test can read."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[Action, list[str]]] = []
        self.bypassed: list[tuple[str, OutcomeStatus, Action]] = []
        self.stages: list[str] = []
        self.outcomes: list[tuple[str, OutcomeStatus]] = []

    def stage_finished(self, stage, seconds):
        self.stages.append(stage)

    def classifier_finished(self, card, status, seconds):
        self.outcomes.append((card.name, status))

    def verdict_given(self, action, category_ids):
        self.verdicts.append((action, list(category_ids)))

    def check_bypassed(self, classifier, status, action):
        self.bypassed.append((classifier, status, action))

    def batch_received(self, size):
        raise AssertionError(size)

    def cache_asked(self, *, found):
        raise AssertionError(found)


UNCHANGED = PolicyOverrides()
ENGLISH, GERMAN = DetectedLanguage("en", 0.9), DetectedLanguage("de", 0.9)


class House:
    """The use case with its parts within reach."""

    def __init__(
        self,
        language: DetectedLanguage | None = ENGLISH,
        score: float = 0.7,
        absent: tuple[ClassifierCard, ...] = (),
    ) -> None:
        self.finder, self.counts = Finds("fool", score), Counts()
        self._use_case = ModerateText(
            normaliser=Plain(),
            language_detector=Knows(language),
            classifiers=[self.finder],
            absent=absent,
            policies=FakePolicyStore(POLICY),
            telemetry=self.counts,
            max_text_bytes=100,
        )

    async def judge(
        self,
        text: str,
        overrides: PolicyOverrides = UNCHANGED,
        deadline_seconds: float = 5,
        **facts,
    ) -> TextJudgement:
        return await self._use_case(
            TextSubmission(text, **facts),
            project="any",
            overrides=overrides,
            deadline_seconds=deadline_seconds,
        )


async def test_a_hit_is_judged_masked_and_counted():
    """Law: what is found decides, is hidden in the filtered text, and is counted once."""
    house = House()
    judgement = await house.judge("you fool, you")
    assert judgement.verdict.action is Action.REVIEW
    assert judgement.verdict.coverage.status is CoverageStatus.COMPLETE
    assert judgement.filtered_text == "you ****, you"
    assert judgement.sha256 == hashlib.sha256(b"you fool, you").hexdigest()
    assert house.counts.verdicts == [(Action.REVIEW, ["H2"])]
    assert house.counts.bypassed == []
    assert [timing.stage for timing in judgement.timings] == house.counts.stages


@pytest.mark.parametrize(("score", "masked"), [(0.49, False), (0.5, True)])
async def test_a_hit_is_masked_when_it_is_likelier_right_than_wrong(score: float, masked: bool):
    """Law: masking goes by the score alone; what the category does is another matter."""
    judgement = await House(score=score).judge(
        "you fool", PolicyOverrides({"H2": CategoryChange(enabled=False)})
    )
    assert ("*" in judgement.filtered_text) is masked


async def test_a_passage_is_not_masked():
    """Law: a classifier that points at whole passages never stars them out."""
    house = House()
    house.finder.card = replace(Finds.card, has_exact_spans=False)
    assert (await house.judge("you fool")).filtered_text == "you fool"


async def test_an_ordinary_text_is_allowed_and_unchanged():
    """Law: nothing found, everything checked: allowed, word for word."""
    judgement = await House().judge("good morning")
    assert judgement.verdict.action is Action.ALLOW
    assert judgement.filtered_text == "good morning"


async def test_a_language_that_nobody_reads_is_not_silently_allowed():
    """Law: a skipped required classifier leaves the verdict incomplete, said and counted."""
    house = House(GERMAN)
    judgement = await house.judge("guten Morgen")
    assert house.finder.samples == []
    assert judgement.verdict.action is Action.REVIEW
    assert judgement.verdict.by_incompleteness
    assert judgement.verdict.coverage.status is CoverageStatus.NONE
    assert house.counts.bypassed == [("finder", OutcomeStatus.SKIPPED, Action.REVIEW)]
    assert judgement.language_is_unexpected


async def test_a_classifier_that_looks_at_any_language_finds_but_does_not_check():
    """Law: a hit in a language that a classifier does not read stands; no hit says nothing."""
    house = House(GERMAN)
    house.finder.card = replace(Finds.card, runs_on_any_language=True)
    judgement = await house.judge("you fool")
    assert [entry.finding.category_id for entry in judgement.verdict.findings] == ["H2"]
    assert judgement.outcomes[1].status is OutcomeStatus.RAN
    assert judgement.outcomes[1].reason
    assert judgement.verdict.coverage.status is not CoverageStatus.COMPLETE
    assert house.counts.bypassed == [("finder", OutcomeStatus.SKIPPED, Action.REVIEW)]


async def test_an_absent_classifier_is_listed_and_its_checks_count_as_bypassed():
    """Law: taking a classifier out can only take away from what was checked, said and counted."""
    missing = ClassifierCard("missing", "", frozenset({"H2"}))
    house = House(absent=(missing,))
    judgement = await house.judge("good morning")
    assert judgement.outcomes[-1].status is OutcomeStatus.NOT_INSTALLED
    assert judgement.verdict.coverage.status is CoverageStatus.PARTIAL
    assert house.counts.bypassed == [("missing", OutcomeStatus.NOT_INSTALLED, Action.REVIEW)]


async def test_a_required_category_that_nobody_covers_is_counted():
    """Law: what no known classifier looks for is a bypass too, even when the policy allows it."""
    house = House()
    overrides = PolicyOverrides({"S3": CategoryChange(required=True)}, on_incomplete=Action.ALLOW)
    judgement = await house.judge("good morning", overrides)
    assert judgement.verdict.action is Action.ALLOW
    assert judgement.verdict.coverage.status is CoverageStatus.PARTIAL
    assert house.counts.bypassed == [("none", OutcomeStatus.NOT_INSTALLED, Action.ALLOW)]


@pytest.mark.parametrize(
    ("language", "expected", "unexpected"),
    [
        (ENGLISH, "", False),
        (GERMAN, "", True),
        (GERMAN, "de-AT", False),
        (ENGLISH, "de", True),
        (DetectedLanguage(), "de", False),
    ],
)
async def test_the_calls_expected_language_goes_before_the_policys(language, expected, unexpected):
    """Law: only a language that is known and not expected is unexpected."""
    judgement = await House(language).judge("hello", expected_language=expected)
    assert judgement.language_is_unexpected is unexpected


async def test_a_detector_that_fails_costs_its_outcome_only():
    """Law: without a language the classifiers still look, and the failure is listed."""
    judgement = await House(None).judge("you fool")
    assert judgement.language is None
    assert judgement.outcomes[0].status is OutcomeStatus.FAILED
    assert judgement.verdict.action is Action.REVIEW


async def test_a_call_may_change_its_policy():
    """Law: overrides hold for the call, and the revision says so."""
    stricter = PolicyOverrides({"H2": CategoryChange(block=0.6)})
    judgement = await House().judge("you fool", stricter)
    assert judgement.verdict.action is Action.BLOCK
    assert judgement.verdict.policy_revision == "house@1+overrides"


async def test_blocked_terms_reach_the_classifiers():
    """Law: what the caller blocks is part of the sample."""
    house = House()
    await house.judge("hello", blocked_terms=("acme",))
    assert house.finder.samples[0].blocked_terms == ("acme",)


async def test_a_text_over_the_operators_limit_is_refused():
    """Law: the error names the field, the size and the limit."""
    with pytest.raises(InvalidRequest) as refused:
        await House().judge("é" * 51)
    assert refused.value.reason is ErrorReason.TEXT_TOO_LARGE
    assert refused.value.violations[0].field == "text"
    assert "102" in refused.value.message
    assert "100" in refused.value.message


async def test_a_lone_surrogate_is_refused():
    """Law: a text that is not Unicode gets an error that says where, not a crash."""
    with pytest.raises(InvalidRequest, match="position 2"):
        await House().judge("ab\ud800")


async def test_no_time_left_is_an_error_and_not_a_clean_verdict():
    """Law: a text that nobody could look at is never answered as if it had been."""
    with pytest.raises(DeadlineExceeded):
        await House().judge("hello", deadline_seconds=0)

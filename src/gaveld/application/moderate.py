"""Moderates one text: reads it, asks the classifiers, judges what they found, masks the hits."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from gaveld.application.apply_rules import ApplyRules
from gaveld.application.failures import log_failed_classifier
from gaveld.application.fan_out import ask_of_text, attempt, not_installed
from gaveld.application.ports import (
    Classifier,
    LanguageDetector,
    PolicyStore,
    Telemetry,
    TextNormaliser,
    TextSignals,
    VerdictCache,
)
from gaveld.application.score_sentences import ScoreSentences, SentenceScores
from gaveld.application.stopwatch import StageTiming, Stopwatch
from gaveld.application.telling import tell_verdict
from gaveld.domain.content import (
    DetectedLanguage,
    TextSample,
    TextSubmission,
    is_unexpected,
    mask,
)
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.policies import Policy, PolicyOverrides
from gaveld.domain.rule_facts import FactsOfPart
from gaveld.domain.rules import CallFacts, RuleOutcome
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    OutcomeStatus,
    Sentiment,
    Signals,
    Topic,
)
from gaveld.domain.verdicts import Verdict, judge

MASKED_FROM: Final = 0.5
"""A hit that is more likely right than wrong is masked, whether or not its category acts."""

_PASSING: Final = (OutcomeStatus.TIMED_OUT, OutcomeStatus.FAILED)
"""What may be otherwise the next time, and so is not remembered."""


@dataclass(frozen=True, slots=True)
class TextJudgement:
    """Everything that is known of a text once it was judged.

    ``filtered_text`` is the text with the policy's masked categories starred out, as long in
    code points as the original. ``sha256`` is of the text as sent, in UTF-8.
    ``language`` is None when the detector failed; ``language_is_unexpected`` is true when one was
    detected and is none of the expected. ``is_cached`` is true when the text was read by an earlier
    call and only judged by this one; the outcomes are then that call's. ``topics`` come likeliest
    first; ``sentiment`` is None when no classifier told one. ``sentences`` are empty unless asked
    for. ``rule_outcomes`` are in the policy's order; what they raised is in the verdict.
    """

    verdict: Verdict
    outcomes: tuple[ClassifierOutcome, ...]
    attributes: Mapping[Attribute, float]
    language: DetectedLanguage | None
    language_is_unexpected: bool
    filtered_text: str
    sha256: str
    timings: tuple[StageTiming, ...]
    is_cached: bool = False
    topics: tuple[Topic, ...] = ()
    sentiment: Sentiment | None = None
    sentences: tuple[SentenceScores, ...] = ()
    rule_outcomes: tuple[RuleOutcome, ...] = ()

    @property
    def rule_facts(self) -> FactsOfPart:
        """What a policy's rules may ask of it."""
        return facts_of_text(self.attributes, self.language)


class ModerateText:
    """The use case behind ``ModerateText`` and each item of ``BatchModerateText``.

    ``absent`` are classifiers that this server knows of and does not have.

    With a ``cache``, a text that was read before is not read again. What is kept are its signals;
    thresholds and masks are applied anew, so that calls that override them share what was learnt.

    ``apply_rules`` is for calls that say something of their content; without it there are no rules.
    """

    def __init__(
        self,
        *,
        normaliser: TextNormaliser,
        language_detector: LanguageDetector,
        classifiers: Sequence[Classifier[TextSample]],
        absent: Sequence[ClassifierCard] = (),
        policies: PolicyStore,
        telemetry: Telemetry,
        max_text_bytes: int,
        cache: VerdictCache[TextSignals] | None = None,
        apply_rules: ApplyRules | None = None,
    ) -> None:
        self._normaliser = normaliser
        self._language_detector = language_detector
        self._classifiers = tuple(classifiers)
        self._absent = not_installed(absent)
        self._policies = policies
        self._telemetry = telemetry
        self._max_text_bytes = max_text_bytes
        self._cache = cache
        self._apply_rules = apply_rules
        self._score_sentences = ScoreSentences(normaliser, classifiers)
        cards = [language_detector.card, *(entry.card for entry in self._classifiers)]
        self._models = tuple((card.name, card.version) for card in cards)

    async def __call__(
        self,
        submission: TextSubmission,
        *,
        project: str,
        overrides: PolicyOverrides,
        deadline_seconds: float,
        said: CallFacts | None = None,
        own: Policy | None = None,
    ) -> TextJudgement:
        """Judge one text within ``deadline_seconds`` from now.

        A classifier that fails or is late costs coverage, never the call. ``said`` is what the call
        says of the text for the policy's rules; without it none is run. ``own`` is the project's
        policy where the text is a piece of more that it judges; else the one in force. Raises
        ``InvalidRequest`` for a text that is not Unicode or too long, and for fields that don't fit
        their type, and ``DeadlineExceeded`` when the time was up before any classifier could be
        asked.
        """
        if deadline_seconds <= 0:
            raise _too_late()
        due = time.monotonic() + deadline_seconds
        clock = Stopwatch(self._telemetry)
        sha256 = hashlib.sha256(self._encoded(submission.text)).hexdigest()
        if own is None:
            own = await self._policies.current(project)
        policy = own.with_overrides(overrides)
        rules = None if said is None else self._apply_rules
        if rules is not None and said is not None:
            said = rules.fitted(policy, said)

        key = self._key(sha256, own, submission)
        learnt = await self._recall(key, clock)
        is_cached = learnt is not None
        if learnt is None:
            learnt = await self._look(submission, policy, due, clock)
            await self._keep(key, learnt)

        language = learnt.language or DetectedLanguage()
        sentences: tuple[SentenceScores, ...] = ()
        if submission.wants_sentence_scores:
            sentences = await self._score_sentences(
                submission.text,
                language,
                policy,
                deadline_seconds=due - time.monotonic(),
                on_failure=log_failed_classifier,
            )
            clock.lap("sentences")
        verdict = judge(learnt.signals, policy)
        filtered_text = self._filtered(submission.text, learnt.signals, policy)
        clock.lap("judge")
        rule_outcomes: tuple[RuleOutcome, ...] = ()
        if rules is not None and said is not None and policy.rules:
            facts = facts_of_text(learnt.signals.attributes, learnt.language)
            verdict, rule_outcomes = await rules(
                policy, verdict, learnt.outcomes, facts, said, project=project
            )
            clock.lap("rules")
        self._count(verdict, learnt.signals, is_cached=is_cached)
        return TextJudgement(
            verdict=verdict,
            outcomes=learnt.outcomes,
            attributes=learnt.signals.attributes,
            language=learnt.language,
            language_is_unexpected=is_unexpected(language, policy, submission.expected_language),
            filtered_text=filtered_text,
            sha256=sha256,
            timings=clock.laps(),
            is_cached=is_cached,
            topics=learnt.signals.topics,
            sentiment=learnt.signals.sentiment,
            sentences=sentences,
            rule_outcomes=rule_outcomes,
        )

    async def _look(
        self, submission: TextSubmission, policy: Policy, due: float, clock: Stopwatch
    ) -> TextSignals:
        readings = await self._normaliser.normalise(submission.text)
        clock.lap("normalise")
        detector = self._language_detector
        language_outcome, detected = await attempt(
            detector.card, partial(detector.detect, submission.text), log_failed_classifier
        )
        clock.lap("language")

        remaining = due - time.monotonic()
        if remaining <= 0:
            raise _too_late()
        language = detected or DetectedLanguage()
        sample = TextSample(readings, language, policy, submission.blocked_terms)
        signals = await self._ask(sample, remaining)
        clock.lap("classify")
        return TextSignals(detected, language_outcome, signals)

    def _key(self, sha256: str, policy: Policy, submission: TextSubmission) -> bytes:
        # All that a sample is made from. What a call overrides is left out: classifiers read a
        # policy's terms and domains, which no call can change.
        facts = (sha256, policy.revision, self._models, submission.blocked_terms)
        return hashlib.sha256(repr(facts).encode()).digest()

    async def _recall(self, key: bytes, clock: Stopwatch) -> TextSignals | None:
        if self._cache is None:
            return None
        learnt = await self._cache.find(key)
        clock.lap("cache")
        self._telemetry.cache_asked(found=learnt is not None)
        return learnt

    async def _keep(self, key: bytes, learnt: TextSignals) -> None:
        if self._cache is None or any(entry.status in _PASSING for entry in learnt.outcomes):
            return
        await self._cache.keep(key, learnt)

    def _encoded(self, text: str) -> bytes:
        try:
            encoded = text.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                FieldViolation("text", f"holds a lone surrogate at position {error.start}")
            ) from error
        if len(encoded) > self._max_text_bytes:
            raise InvalidRequest(
                FieldViolation(
                    "text", f"has {len(encoded)} bytes; the limit is {self._max_text_bytes}"
                ),
                reason=ErrorReason.TEXT_TOO_LARGE,
                metadata={"limit_bytes": str(self._max_text_bytes)},
            )
        return encoded

    async def _ask(self, sample: TextSample, seconds: float) -> Signals:
        signals = await ask_of_text(self._classifiers, sample, seconds, log_failed_classifier)
        return replace(signals, outcomes=(*signals.outcomes, *self._absent))

    @staticmethod
    def _filtered(text: str, signals: Signals, policy: Policy) -> str:
        exact = {entry.card.name for entry in signals.outcomes if entry.card.has_exact_spans}
        spans = (
            finding.span
            for finding in signals.findings
            if finding.span is not None
            and finding.score >= MASKED_FROM
            and finding.category_id in policy.masked
            and finding.classifier in exact
        )
        return mask(text, spans, policy.mask_character)

    def _count(self, verdict: Verdict, signals: Signals, *, is_cached: bool) -> None:
        for outcome in () if is_cached else signals.outcomes:
            self._telemetry.classifier_finished(outcome.card, outcome.status, outcome.seconds)
        tell_verdict(self._telemetry, verdict)


def facts_of_text(
    attributes: Mapping[Attribute, float], language: DetectedLanguage | None
) -> FactsOfPart:
    """Return what rules may ask of a text; the language is None where its detector failed."""
    return FactsOfPart(attributes, language=language, is_language_unknown=language is None)


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        ErrorReason.DEADLINE_EXCEEDED,
        "The deadline passed before the text could be classified.",
    )

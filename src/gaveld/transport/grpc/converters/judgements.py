"""From the domain's judgement to the wire: enums by name, spans in bytes and UTF-16 units."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from gavel.v1 import moderation_service_pb2, verdict_pb2
from google.protobuf.duration_pb2 import Duration

from gaveld.application.moderate import TextJudgement
from gaveld.application.score_sentences import SentenceScores
from gaveld.application.stopwatch import StageTiming
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.content import DetectedLanguage, OffsetTable, Span
from gaveld.domain.signals import (
    Attribute,
    ClassifierOutcome,
    OutcomeStatus,
    Sentiment,
    SentimentLabel,
    Topic,
)
from gaveld.domain.verdicts import (
    Cause,
    Coverage,
    CoverageStatus,
    JudgedFinding,
    RuleCause,
    UncheckedCategory,
    Verdict,
    category_scores,
)
from gaveld.transport.grpc.converters.rules import rule_outcomes_to_proto

MAX_FINDINGS: Final = 1_000
MAX_REASONS: Final = 64

ACTIONS: Final = {
    Action.ALLOW: verdict_pb2.ACTION_ALLOW,
    Action.REVIEW: verdict_pb2.ACTION_REVIEW,
    Action.BLOCK: verdict_pb2.ACTION_BLOCK,
}
SEVERITIES: Final = {
    Severity.LOW: verdict_pb2.SEVERITY_LOW,
    Severity.MEDIUM: verdict_pb2.SEVERITY_MEDIUM,
    Severity.HIGH: verdict_pb2.SEVERITY_HIGH,
    Severity.CRITICAL: verdict_pb2.SEVERITY_CRITICAL,
}
_COVERAGES: Final = {
    CoverageStatus.NONE: verdict_pb2.COVERAGE_STATUS_NONE,
    CoverageStatus.PARTIAL: verdict_pb2.COVERAGE_STATUS_PARTIAL,
    CoverageStatus.COMPLETE: verdict_pb2.COVERAGE_STATUS_COMPLETE,
}
_STATUSES: Final = {
    OutcomeStatus.RAN: verdict_pb2.CLASSIFIER_STATUS_RAN,
    OutcomeStatus.TIMED_OUT: verdict_pb2.CLASSIFIER_STATUS_TIMED_OUT,
    OutcomeStatus.FAILED: verdict_pb2.CLASSIFIER_STATUS_FAILED,
    OutcomeStatus.SKIPPED: verdict_pb2.CLASSIFIER_STATUS_SKIPPED,
    OutcomeStatus.NOT_INSTALLED: verdict_pb2.CLASSIFIER_STATUS_NOT_INSTALLED,
}
_UNCHECKED: Final = {
    OutcomeStatus.TIMED_OUT: verdict_pb2.UNCHECKED_REASON_TIMED_OUT,
    OutcomeStatus.FAILED: verdict_pb2.UNCHECKED_REASON_FAILED,
    OutcomeStatus.SKIPPED: verdict_pb2.UNCHECKED_REASON_SKIPPED,
    OutcomeStatus.NOT_INSTALLED: verdict_pb2.UNCHECKED_REASON_NOT_INSTALLED,
}
_MOODS: Final = {
    SentimentLabel.NEGATIVE: verdict_pb2.SENTIMENT_LABEL_NEGATIVE,
    SentimentLabel.NEUTRAL: verdict_pb2.SENTIMENT_LABEL_NEUTRAL,
    SentimentLabel.POSITIVE: verdict_pb2.SENTIMENT_LABEL_POSITIVE,
}
_VERBS: Final = {Action.REVIEW: "review", Action.BLOCK: "block"}


def response_from_judgement(
    judgement: TextJudgement,
    request: moderation_service_pb2.ModerateTextRequest,
    request_id: str,
) -> moderation_service_pb2.ModerateTextResponse:
    """Return the answer to one request.

    Findings that ask for nothing are left out, and timings too, unless ``explain`` is set.
    """
    shown = findings_shown(judgement.verdict, explain=request.explain)
    response = moderation_service_pb2.ModerateTextResponse(
        verdict=verdict_to_proto(judgement.verdict),
        findings=findings_to_proto(shown[:MAX_FINDINGS], request.text),
        omitted_finding_count=max(0, len(shown) - MAX_FINDINGS),
        classifier_outcomes=outcomes_to_proto(judgement.outcomes),
        attribute_scores=attribute_scores_to_proto(judgement.attributes),
        language=language_to_proto(judgement.language, unexpected=judgement.language_is_unexpected),
        filtered_text=judgement.filtered_text,
        content_sha256=judgement.sha256,
        request_id=request_id,
        content_id=request.content_id,
        metadata=request.metadata if request.HasField("metadata") else None,
        category_scores=category_scores(judgement.verdict),
        cached=judgement.is_cached,
        topics=topics_to_proto(judgement.topics),
        sentiment=sentiment_to_proto(judgement.sentiment),
        sentence_scores=_sentence_scores(judgement.sentences, request.text),
        rule_outcomes=rule_outcomes_to_proto(judgement.rule_outcomes),
    )
    if request.explain:
        response.timings.extend(timings_to_proto(judgement.timings))
    return response


def findings_shown(verdict: Verdict, *, explain: bool) -> list[JudgedFinding]:
    """Return the findings that an answer shows: with ``explain`` those that ask for nothing too."""
    return [entry for entry in verdict.findings if explain or entry.action is not Action.ALLOW]


def timings_to_proto(timings: Iterable[StageTiming]) -> list[verdict_pb2.StageTiming]:
    """Return what the stages took, in their order."""
    return [
        verdict_pb2.StageTiming(stage=entry.stage, duration=duration_to_proto(entry.seconds))
        for entry in timings
    ]


def topics_to_proto(topics: Iterable[Topic]) -> list[verdict_pb2.Topic]:
    """Return the topics in their order."""
    return [verdict_pb2.Topic(name=topic.name, score=topic.score) for topic in topics]


def language_to_proto(
    language: DetectedLanguage | None, *, unexpected: bool
) -> verdict_pb2.DetectedLanguage | None:
    """Return the language of a text; None where none was looked for."""
    if language is None:
        return None
    return verdict_pb2.DetectedLanguage(
        code=language.code, confidence=language.confidence, unexpected=unexpected
    )


def attribute_scores_to_proto(
    attributes: Mapping[Attribute, float],
) -> verdict_pb2.AttributeScores | None:
    """Return a text's traits; None where none was scored."""
    if not attributes:
        return None
    scores = {attribute.value: score for attribute, score in attributes.items()}
    return verdict_pb2.AttributeScores(**scores)


def _sentence_scores(
    sentences: Iterable[SentenceScores], text: str
) -> list[moderation_service_pb2.SentenceScores]:
    table = OffsetTable(text)
    return [
        moderation_service_pb2.SentenceScores(
            span=_span(entry.span, table),
            attribute_scores=attribute_scores_to_proto(entry.attributes),
        )
        for entry in sentences
    ]


def sentiment_to_proto(sentiment: Sentiment | None) -> verdict_pb2.Sentiment | None:
    """Return the mood of a text; None where it was not worked out."""
    if sentiment is None:
        return None
    return verdict_pb2.Sentiment(label=_MOODS[sentiment.label], score=sentiment.score)


def verdict_to_proto(verdict: Verdict) -> verdict_pb2.Verdict:
    """Return the verdict with its coverage and the reasons for its action."""
    by_default = verdict.by_incompleteness
    reasons = [_reason(cause) for cause in verdict.causes[:MAX_REASONS]]
    if verdict.rule_causes:
        reasons += map(_reason_of_rule, verdict.rule_causes)
        reasons.sort(key=lambda reason: -reason.action)
    if by_default:
        reasons.insert(0, _incompleteness(verdict))
    return verdict_pb2.Verdict(
        action=ACTIONS[verdict.action],
        coverage=coverage_to_proto(verdict.coverage),
        reasons=reasons[:MAX_REASONS],
        incomplete_action=ACTIONS[verdict.action] if by_default else verdict_pb2.ACTION_UNSPECIFIED,
        policy_revision=verdict.policy_revision,
    )


@lru_cache(maxsize=1_024)
def coverage_to_proto(coverage: Coverage) -> verdict_pb2.Coverage:
    """Return what was checked and what was not, to be copied into an answer and not changed.

    Remembered, because most calls have the same coverage and it is half the work of an answer.
    """
    return verdict_pb2.Coverage(
        status=_COVERAGES[coverage.status],
        checked_categories=sorted(coverage.checked),
        unchecked_categories=[
            _unchecked(entry)
            for entry in sorted(coverage.unchecked, key=lambda entry: entry.category_id)
        ],
    )


def findings_to_proto(findings: Iterable[JudgedFinding], text: str) -> list[verdict_pb2.Finding]:
    """Return the findings in their order, with spans as offsets into ``text``."""
    offsets = OffsetTable(text)
    return [finding_to_proto(entry, offsets) for entry in findings]


def finding_to_proto(entry: JudgedFinding, offsets: OffsetTable) -> verdict_pb2.Finding:
    """Return one finding, with its span as offsets into the table's text."""
    finding = entry.finding
    return verdict_pb2.Finding(
        category_id=finding.category_id,
        score=finding.score,
        severity=SEVERITIES[finding.severity],
        action=ACTIONS[entry.action],
        span=_span(finding.span, offsets) if finding.span else None,
        classifier=finding.classifier,
        classifier_version=finding.version,
        reason=finding.reason,
    )


def outcomes_to_proto(
    outcomes: Iterable[ClassifierOutcome],
) -> list[verdict_pb2.ClassifierOutcome]:
    """Return what became of every classifier, sorted by name."""
    started = (OutcomeStatus.RAN, OutcomeStatus.TIMED_OUT, OutcomeStatus.FAILED)
    return [
        verdict_pb2.ClassifierOutcome(
            name=entry.card.name,
            version=entry.card.version,
            status=_STATUSES[entry.status],
            reason=entry.reason,
            duration=duration_to_proto(entry.seconds) if entry.status in started else None,
            category_ids=sorted(entry.card.categories),
        )
        for entry in sorted(outcomes, key=lambda entry: entry.card.name)
    ]


def duration_to_proto(seconds: float) -> Duration:
    """Return a duration, to the nanosecond."""
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))


def _span(span: Span, offsets: OffsetTable) -> verdict_pb2.Span:
    start, end = offsets.at(span.start), offsets.at(span.end)
    return verdict_pb2.Span(
        byte_start=start.byte, byte_end=end.byte, utf16_start=start.utf16, utf16_end=end.utf16
    )


def _unchecked(entry: UncheckedCategory) -> verdict_pb2.UncheckedCategory:
    return verdict_pb2.UncheckedCategory(
        category_id=entry.category_id,
        reason=_UNCHECKED[entry.status],
        classifiers=entry.classifiers,
        required=entry.required,
    )


def _reason(cause: Cause) -> verdict_pb2.VerdictReason:
    name, verb = CATALOGUE[cause.category_id].name, _VERBS[cause.action]
    return verdict_pb2.VerdictReason(
        action=ACTIONS[cause.action],
        category_id=cause.category_id,
        score=cause.score,
        threshold=cause.threshold,
        message=f"{name} scored {cause.score:.2f}; the policy says {verb} "
        f"from {cause.threshold:.2f}.",
    )


def _reason_of_rule(cause: RuleCause) -> verdict_pb2.VerdictReason:
    verb = _VERBS[cause.action]
    message = f"The rule {cause.name} says {verb}."
    if cause.failed:
        message = f"The rule {cause.name} could not be worked out; the policy says {verb} then."
    return verdict_pb2.VerdictReason(
        action=ACTIONS[cause.action], rule_id=cause.rule_id, message=message
    )


def _incompleteness(verdict: Verdict) -> verdict_pb2.VerdictReason:
    missing = [entry.category_id for entry in verdict.coverage.unchecked if entry.required]
    return verdict_pb2.VerdictReason(
        action=ACTIONS[verdict.action],
        message=f"Required and not fully checked: {', '.join(missing)}.",
    )

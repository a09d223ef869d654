"""From the wire to the domain and back, where the sockets' tests do not reach."""

from dataclasses import replace

import pytest
from gavel.v1 import content_pb2, verdict_pb2
from gavel.v1 import moderation_service_pb2 as api
from hypothesis import given
from hypothesis import strategies as st

from gaveld.application.moderate import TextJudgement
from gaveld.application.stopwatch import StageTiming
from gaveld.domain.actions import Action
from gaveld.domain.content import DetectedLanguage, Span
from gaveld.domain.errors import InvalidRequest
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Sentiment,
    SentimentLabel,
    Signals,
    Topic,
)
from gaveld.domain.verdicts import judge
from gaveld.transport.grpc.converters.fields import MAX_FIELD_DEPTH
from gaveld.transport.grpc.converters.judgements import (
    MAX_FINDINGS,
    duration_to_proto,
    findings_to_proto,
    response_from_judgement,
)
from gaveld.transport.grpc.converters.rules import said_of_text
from gaveld.transport.grpc.converters.submissions import (
    overrides_from_proto,
    submission_from_proto,
)

CARD = ClassifierCard("words", "1", frozenset({"H3"}))


def test_fields_of_every_type_are_taken_and_not_judged():
    """Law: typed fields and context change nothing of what is judged."""
    request = api.ModerateTextRequest(text="x")
    plain = submission_from_proto(request)
    request.fields["s"].string_value = ""
    request.fields["i"].int_value = 0
    request.fields["f"].float_value = 0.5
    request.fields["b"].bool_value = False
    request.fields["t"].datetime_value.FromJsonString("2026-11-22T10:00:00Z")
    request.fields["u"].url_value = "https://example.org"
    request.fields["m"].image_value.data = b"png"
    request.fields["l"].list_value.values.add().int_value = 7
    request.fields["o"].object_value.fields["k"].string_value = "v"
    request.context.description = "a comment"
    request.context.turns.append(content_pb2.Turn(text="before"))
    assert submission_from_proto(request) == plain


@pytest.mark.parametrize(("depth", "fits"), [(MAX_FIELD_DEPTH, True), (MAX_FIELD_DEPTH + 1, False)])
def test_fields_nest_so_deep_and_no_deeper(depth: int, *, fits: bool):
    """Law: nesting has a limit, and the error names where it was passed."""
    request = api.ModerateTextRequest(text="x")
    value = request.fields["deep"]
    for _ in range(depth - 1):
        value = value.list_value.values.add()
    value.int_value = 1
    if fits:
        assert said_of_text(request).fields is not None
        return
    with pytest.raises(InvalidRequest) as caught:
        said_of_text(request)
    assert caught.value.violations[0].field == "fields.deep" + "[0]" * MAX_FIELD_DEPTH


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_a_date_is_one_or_is_refused(seconds: int, nanos: int):
    """Law: no timestamp on the wire is a failure of the server."""
    request = api.ModerateTextRequest(text="x")
    request.fields["t"].datetime_value.seconds = seconds
    request.fields["t"].datetime_value.nanos = nanos
    fields = ["fields.t"]
    try:
        said_of_text(request)
    except InvalidRequest as refused:
        fields = [entry.field for entry in refused.violations]
    assert fields == ["fields.t"]


def test_overrides_change_only_what_they_name():
    """Law: unset is the policy's; zero is zero."""
    request = api.ModerateTextRequest(text="x")
    assert overrides_from_proto(request).categories == {}
    change = request.policy_overrides.categories["H3"]
    change.review = 0.0
    change.required = False
    overrides = overrides_from_proto(request)
    assert overrides.categories == {"H3": CategoryChange(review=0.0, required=False)}
    assert overrides.masked is None
    assert overrides.on_incomplete is None
    request.policy_overrides.mask.SetInParent()
    request.policy_overrides.on_incomplete = verdict_pb2.ACTION_BLOCK
    overrides = overrides_from_proto(request)
    assert overrides.masked == frozenset()
    assert overrides.on_incomplete is Action.BLOCK


def judgement(findings: list[Finding], outcomes: list[ClassifierOutcome]) -> TextJudgement:
    """Judge findings by a policy that blocks threats."""
    policy = Policy("p@1", {"H3": CategoryRule(review=0.3, block=0.8, required=True)})
    return TextJudgement(
        verdict=judge(Signals(tuple(findings), tuple(outcomes)), policy),
        outcomes=tuple(outcomes),
        attributes={Attribute.THREAT: 0.0},
        language=DetectedLanguage(),
        language_is_unexpected=False,
        filtered_text="",
        sha256="0" * 64,
        timings=(StageTiming("judge", 0.001),),
    )


def test_more_findings_than_fit_are_counted():
    """Law: an answer has a bounded number of findings and says how many it left out."""
    findings = [Finding("H3", 0.9, "r", "words", "1", Span(i, i + 1)) for i in range(1_500)]
    ran = ClassifierOutcome(CARD, OutcomeStatus.RAN)
    request = api.ModerateTextRequest(text="x" * 1_500)
    answer = response_from_judgement(judgement(findings, [ran]), request, "r")
    assert len(answer.findings) == MAX_FINDINGS
    assert answer.omitted_finding_count == 500


def test_an_attribute_that_scored_zero_is_set_and_one_not_scored_is_not():
    """Law: not scored is never the same as 0."""
    ran = ClassifierOutcome(CARD, OutcomeStatus.RAN)
    answer = response_from_judgement(judgement([], [ran]), api.ModerateTextRequest(), "r")
    assert answer.attribute_scores.HasField("threat")
    assert not answer.attribute_scores.HasField("insult")


@pytest.mark.parametrize("label", list(SentimentLabel))
def test_topics_and_mood_are_told_as_they_are(label: SentimentLabel):
    """Law: every topic in its order, and every mood by its own name."""
    ran = ClassifierOutcome(CARD, OutcomeStatus.RAN)
    topics = tuple(Topic(name, score) for name, score in (("law", 0.9), ("crime", 0.4)))
    judged = replace(judgement([], [ran]), topics=topics, sentiment=Sentiment(label, -0.25))
    answer = response_from_judgement(judged, api.ModerateTextRequest(), "r")
    assert [(topic.name, topic.score) for topic in answer.topics] == [("law", 0.9), ("crime", 0.4)]
    name = verdict_pb2.SentimentLabel.Name(answer.sentiment.label)
    assert (name, answer.sentiment.score) == (f"SENTIMENT_LABEL_{label.name}", -0.25)


def test_a_mood_that_nobody_told_is_unset():
    """Law: not worked out is never the same as neutral."""
    ran = ClassifierOutcome(CARD, OutcomeStatus.RAN)
    answer = response_from_judgement(judgement([], [ran]), api.ModerateTextRequest(), "r")
    assert not answer.HasField("sentiment")
    assert not answer.topics


def test_the_reasons_of_a_verdict_name_score_and_threshold():
    """Law: why a verdict is what it is can be read from it."""
    late = ClassifierOutcome(
        ClassifierCard("slow", "1", frozenset({"H3"})), OutcomeStatus.TIMED_OUT, 0.5, "It was late."
    )
    found = Finding("H3", 0.9, "r", "words", "1")
    verdict = response_from_judgement(
        judgement([found], [ClassifierOutcome(CARD, OutcomeStatus.RAN), late]),
        api.ModerateTextRequest(text="x"),
        "r",
    ).verdict
    (reason,) = verdict.reasons
    assert (reason.category_id, reason.score, reason.threshold) == ("H3", 0.9, 0.8)
    assert verdict.incomplete_action == verdict_pb2.ACTION_UNSPECIFIED
    assert verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL


@given(st.text(max_size=40), st.data())
def test_spans_cut_the_same_characters_in_both_units(text: str, data: st.DataObject):
    """Law: bytes and UTF-16 units of a span are the characters that were found."""
    text = "".join(c for c in text if not "\ud800" <= c <= "\udfff") + "x"
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    finding = Finding("H3", 0.9, "r", "words", "1", Span(start, end))
    verdict = judge(Signals((finding,), ()), Policy("p", {}))
    (converted,) = findings_to_proto(verdict.findings, text)
    span = converted.span
    assert text.encode()[span.byte_start : span.byte_end].decode() == text[start:end]
    units = text.encode("utf-16-le")[2 * span.utf16_start : 2 * span.utf16_end]
    assert units.decode("utf-16-le") == text[start:end]


@given(st.floats(0, 1e6))
def test_durations_are_exact_to_the_microsecond(seconds: float):
    """Law: a duration on the wire is the one that was measured."""
    assert duration_to_proto(seconds).ToTimedelta().total_seconds() == pytest.approx(
        seconds, abs=2e-6
    )


@pytest.mark.parametrize(
    ("request_", "field"),
    [(api.ModerateTextRequest(blocked_terms=["ok", " - "]), "blocked_terms[1]")],
)
def test_what_would_have_no_effect_is_refused_by_name(request_, field: str):
    """Law: nothing that a caller asks for is taken and quietly ignored."""
    with pytest.raises(InvalidRequest) as refused:
        submission_from_proto(request_)
    assert [entry.field for entry in refused.value.violations] == [field]
    assert refused.value.reason == "INVALID_ARGUMENT"

"""Between the wire and the domain for submitted content, which is stored in its wire form."""

import uuid
from collections.abc import Iterator
from typing import Final

from gavel.v1 import content_service_pb2, rule_pb2, verdict_pb2

from gaveld.application.judge_content import ContentJudgement
from gaveld.application.judge_field import JudgedField
from gaveld.application.moderate import TextJudgement
from gaveld.application.moderate_image import ImageJudgement
from gaveld.application.pieces import PlacedFinding
from gaveld.application.submit_content import ContentRequest
from gaveld.application.video_in_progress import VideoJudgement
from gaveld.domain.actions import Action
from gaveld.domain.content import OffsetTable
from gaveld.domain.jobs import Job
from gaveld.domain.rules import CallbackFormat
from gaveld.domain.submissions import ContentSubmission
from gaveld.domain.typed_content import Leaf, MediaValue, Url
from gaveld.transport.grpc.converters.fields import fields_from_proto
from gaveld.transport.grpc.converters.images import (
    facts_to_proto,
    image_finding_to_proto,
    image_scores_to_proto,
    times_of,
)
from gaveld.transport.grpc.converters.judgements import (
    MAX_FINDINGS,
    attribute_scores_to_proto,
    finding_to_proto,
    language_to_proto,
    outcomes_to_proto,
    sentiment_to_proto,
    timings_to_proto,
    topics_to_proto,
    verdict_to_proto,
)
from gaveld.transport.grpc.converters.rules import actions_to_proto, rule_outcomes_to_proto
from gaveld.transport.grpc.converters.seen_findings import seen_finding_to_proto
from gaveld.transport.grpc.converters.submissions import (
    check_blocked_terms,
    check_metadata,
    overrides_from_proto,
)
from gaveld.transport.grpc.errors import refusal_of

_FORMATS: Final = {
    rule_pb2.CALLBACK_FORMAT_APOLLO: CallbackFormat.APOLLO,
    rule_pb2.CALLBACK_FORMAT_CONTENTMOD: CallbackFormat.CONTENTMOD,
}


def content_from_proto(request: content_service_pb2.SubmitContentRequest) -> ContentSubmission:
    """Return what was submitted.

    Raises ``InvalidRequest`` for fields nested too deep, a date that is none, a blocked term that
    could never match and an unknown category, and a refusal for too much metadata.
    """
    if request.HasField("metadata"):
        check_metadata(request.metadata)
    check_blocked_terms(request.blocked_terms)
    return ContentSubmission(
        content_id=request.content_id,
        fields=fields_from_proto(request.fields),
        actor_id=request.actor_id,
        content_type=request.content_type,
        blocked_terms=tuple(request.blocked_terms),
        overrides=overrides_from_proto(request),
        callback_url=request.callback_url,
        callback_format=_FORMATS.get(request.callback_format, CallbackFormat.NATIVE),
        priority=request.priority,
        do_not_store=request.do_not_store,
        explain=request.explain,
    )


def content_request_from_proto(
    request: content_service_pb2.SubmitContentRequest, project: str, review_queue: str = ""
) -> ContentRequest:
    """Return what is submitted; see ``content_from_proto``.

    Only a request id that the caller chose for it says that it is a repeat.
    """
    submission = content_from_proto(request)
    stored = request
    if request.callback_url:
        stored = content_service_pb2.SubmitContentRequest()
        stored.CopyFrom(request)
        stored.ClearField("callback_url")
    return ContentRequest(
        project=project,
        request_id=request.request_id or uuid.uuid4().hex,
        payload=stored.SerializeToString(deterministic=True),
        submission=submission,
        review_queue=review_queue,
    )


class ContentMessages:
    """The ``ContentPapers`` over the contract's own messages, serialised."""

    def read(self, payload: bytes) -> ContentSubmission:
        """Return what was submitted; see ``content_from_proto``."""
        return content_from_proto(content_service_pb2.SubmitContentRequest.FromString(payload))

    def answer(self, payload: bytes, judged: ContentJudgement, job: Job, review_item: str) -> bytes:
        """Return a serialised ``SubmitContentResponse``."""
        request = content_service_pb2.SubmitContentRequest.FromString(payload)
        answer = response_from_content(judged, request, job.request_id, review_item)
        return answer.SerializeToString()

    def without_words(self, answer: bytes) -> bytes:
        """Return a serialised answer without texts, descriptions and metadata."""
        response = content_service_pb2.SubmitContentResponse.FromString(answer)
        response.DiscardUnknownFields()  # what a later release wrote may be words
        response.ClearField("metadata")
        for result in response.field_results:
            result.ClearField("text")
            result.ClearField("filtered_text")
            result.ClearField("description")
        return response.SerializeToString()


def response_from_content(
    judged: ContentJudgement,
    request: content_service_pb2.SubmitContentRequest,
    request_id: str,
    review_item: str,
) -> content_service_pb2.SubmitContentResponse:
    """Return the answer to one request.

    Findings that ask for nothing are left out, and timings too, unless ``explain`` is set.
    """
    shown = [
        found
        for found in judged.findings
        if request.explain or found.entry.action is not Action.ALLOW
    ]
    response = content_service_pb2.SubmitContentResponse(
        content_id=request.content_id,
        actor_id=request.actor_id,
        content_type=request.content_type,
        verdict=verdict_to_proto(judged.verdict),
        findings=_findings(shown[:MAX_FINDINGS], judged),
        omitted_finding_count=max(0, len(shown) - MAX_FINDINGS),
        rule_outcomes=rule_outcomes_to_proto(judged.rules),
        triggered_actions=actions_to_proto(judged.actions),
        field_results=[
            _unjudged(field, field.piece.failure, request_id)
            if field.piece.failure is not None
            else _field_result(field, with_text=not request.sync)
            for field in judged.fields
        ],
        classifier_outcomes=outcomes_to_proto(judged.outcomes),
        review_item=review_item,
        content_sha256=judged.sha256,
        request_id=request_id,
        metadata=request.metadata if request.HasField("metadata") else None,
        timings=timings_to_proto(judged.timings) if request.explain else (),
        category_scores=judged.facts.categories,
    )
    response.decide_time.FromDatetime(judged.decided_at)
    return response


def _findings(
    shown: list[PlacedFinding], judged: ContentJudgement
) -> Iterator[verdict_pb2.Finding]:
    fields = {entry.leaf.path: entry for entry in judged.fields}
    offsets: dict[str, OffsetTable] = {}
    for path, entry in shown:
        field = fields[path]
        of_field = field.piece.judgement
        if isinstance(of_field, ImageJudgement):
            yield image_finding_to_proto(entry, times_of(of_field), path)
            continue
        if isinstance(of_field, VideoJudgement):
            finding = seen_finding_to_proto(entry, {})
        else:
            if path not in offsets:
                offsets[path] = OffsetTable(_text(field.leaf))
            finding = finding_to_proto(entry, offsets[path])
        finding.field_path = path
        yield finding


def _text(leaf: Leaf) -> str:
    match leaf.value:
        case Url(address):
            return address
        case MediaValue():
            return ""
        case text:
            return text


def _unjudged(
    field: JudgedField, failure: Exception, request_id: str
) -> content_service_pb2.FieldResult:
    return content_service_pb2.FieldResult(
        field_path=field.leaf.path, error=refusal_of(failure, request_id).status
    )


def _field_result(field: JudgedField, *, with_text: bool) -> content_service_pb2.FieldResult:
    match field.piece.judgement:
        case TextJudgement() as text if field.is_link:
            return content_service_pb2.FieldResult(
                field_path=field.leaf.path, content_sha256=text.sha256
            )
        case TextJudgement() as text:
            return content_service_pb2.FieldResult(
                field_path=field.leaf.path,
                attribute_scores=attribute_scores_to_proto(text.attributes),
                language=_language(text),
                filtered_text=text.filtered_text,
                content_sha256=text.sha256,
                topics=topics_to_proto(text.topics),
                sentiment=sentiment_to_proto(text.sentiment),
                text=_text(field.leaf) if with_text else "",
            )
        case ImageJudgement() as image:
            return content_service_pb2.FieldResult(
                field_path=field.leaf.path,
                attribute_scores=attribute_scores_to_proto(image.attributes),
                language=_language(image),
                image_scores=image_scores_to_proto(image.image_scores),
                facts=facts_to_proto(image.facts),
                content_sha256=image.sha256,
                description=image.description,
                topics=topics_to_proto(image.topics),
            )
        case VideoJudgement() as video:
            return content_service_pb2.FieldResult(
                field_path=field.leaf.path,
                facts=facts_to_proto(video.facts),
                content_sha256=video.facts.sha256,
            )
        case _:
            return content_service_pb2.FieldResult(field_path=field.leaf.path)


def _language(judged: TextJudgement | ImageJudgement) -> verdict_pb2.DetectedLanguage | None:
    return language_to_proto(judged.language, unexpected=judged.language_is_unexpected)

"""Between the wire and the domain for checks of mixed media."""

from typing import Final

from gavel.v1 import check_service_pb2, policy_pb2, verdict_pb2

from gaveld.application.check import CheckJudgement, CheckSubmission, PictureCheck
from gaveld.domain.actions import Action
from gaveld.domain.checks import CheckPart, CheckStatus, picture_class
from gaveld.domain.content import OffsetTable
from gaveld.domain.errors import ErrorReason, PermissionDenied
from gaveld.domain.policies import CheckThresholds
from gaveld.transport.grpc.converters.fields import media_from_proto
from gaveld.transport.grpc.converters.images import (
    frame_to_proto,
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
    timings_to_proto,
    verdict_to_proto,
)
from gaveld.transport.grpc.converters.submissions import check_metadata
from gaveld.transport.grpc.errors import refusal_of

_STATUSES: Final = {
    CheckStatus.OK: check_service_pb2.CHECK_STATUS_OK,
    CheckStatus.ERROR: check_service_pb2.CHECK_STATUS_ERROR,
    CheckStatus.NOT_CHECKED: check_service_pb2.CHECK_STATUS_NOT_CHECKED,
}


def check_from_proto(request: check_service_pb2.CheckRequest, project: str) -> CheckSubmission:
    """Return what to check for the key's project.

    Raises ``PermissionDenied`` (PROJECT_MISMATCH) where the call names another project, and a
    refusal for too much metadata.
    """
    if request.project not in ("", project):
        raise PermissionDenied(
            ErrorReason.PROJECT_MISMATCH,
            "The call names a project that is not the API key's.",
            metadata={"project": request.project},
        )
    if request.HasField("metadata"):
        check_metadata(request.metadata)
    return CheckSubmission(
        text=request.text,
        images=tuple(map(media_from_proto, request.images)),
        gifs=tuple(map(media_from_proto, request.gifs)),
        expected_language=request.expected_language,
        thresholds=_thresholds(request.thresholds),
    )


def response_from_check(
    judgement: CheckJudgement,
    request: check_service_pb2.CheckRequest,
    *,
    request_id: str,
    trace_context: str,
) -> check_service_pb2.CheckResponse:
    """Return the answer to one request; ``trace_context`` is for one that names none.

    Findings that ask for nothing are left out, and timings too, unless ``explain`` is set.
    """
    findings = _findings(judgement, request)
    return check_service_pb2.CheckResponse(
        trace_context=request.trace_context or trace_context,
        links=_part(judgement.links),
        badwords=_part(judgement.badwords),
        antivirus=_part(judgement.antivirus),
        language=_language(judgement),
        sentiment=_sentiment(judgement),
        images=[_picture(entry, request_id) for entry in judgement.images],
        gifs=[_picture(entry, request_id) for entry in judgement.gifs],
        worst_image_index=judgement.worst_image,
        worst_gif_index=judgement.worst_gif,
        hits=judgement.hits,
        verdict=verdict_to_proto(judgement.verdict),
        findings=findings[:MAX_FINDINGS],
        omitted_finding_count=max(0, len(findings) - MAX_FINDINGS),
        classifier_outcomes=outcomes_to_proto(judgement.outcomes),
        request_id=request_id,
        metadata=request.metadata if request.HasField("metadata") else None,
        timings=timings_to_proto(judgement.timings) if request.explain else (),
        content_id=request.content_id,
    )


def _thresholds(named: policy_pb2.CheckThresholds) -> CheckThresholds:
    return CheckThresholds(**{field.name: score for field, score in named.ListFields()})


def _findings(
    judgement: CheckJudgement, request: check_service_pb2.CheckRequest
) -> list[verdict_pb2.Finding]:
    offsets = OffsetTable(request.text)
    times = {
        entry.path: times_of(entry.judgement)
        for entry in (*judgement.images, *judgement.gifs)
        if entry.judgement is not None
    }
    shown = []
    for path, entry in judgement.findings:
        if entry.action is Action.ALLOW and not request.explain:
            continue
        if path in times:
            shown.append(image_finding_to_proto(entry, times[path], path))
        else:
            shown.append(finding_to_proto(entry, offsets))
            shown[-1].field_path = path
    return shown


def _part(part: CheckPart) -> check_service_pb2.CheckPart:
    return check_service_pb2.CheckPart(status=_STATUSES[part.status], hit=part.hit)


def _language(judgement: CheckJudgement) -> check_service_pb2.LanguageCheck | None:
    text = judgement.text
    if text is None:
        return None
    unexpected = text.language_is_unexpected
    return check_service_pb2.LanguageCheck(
        expected=judgement.expected_languages,
        detected=language_to_proto(text.language, unexpected=unexpected),
        hit=unexpected,
    )


def _sentiment(judgement: CheckJudgement) -> check_service_pb2.SentimentCheck | None:
    if judgement.text is None:
        return None
    return check_service_pb2.SentimentCheck(
        scores=attribute_scores_to_proto(judgement.text.attributes), hit=judgement.text_hit
    )


def _picture(entry: PictureCheck, request_id: str) -> check_service_pb2.ImageCheck:
    if entry.judgement is None:
        failure = entry.failure or RuntimeError()
        return check_service_pb2.ImageCheck(
            status=_STATUSES[entry.status], error=refusal_of(failure, request_id).status
        )
    judgement = entry.judgement
    likeliest = picture_class(judgement.image_scores) if judgement.image_scores else None
    return check_service_pb2.ImageCheck(
        status=_STATUSES[entry.status],
        category=likeliest.name if likeliest else "",
        confidence=likeliest.probability if likeliest else 0.0,
        scores=image_scores_to_proto(judgement.image_scores),
        hit=entry.hit,
        worst_frame=frame_to_proto(judgement.worst_index, times_of(judgement)),
    )

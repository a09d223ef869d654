"""Between the wire and the domain for pictures: where a file is, what was seen in it, and where."""

from collections.abc import Iterable, Mapping
from typing import Final

from gavel.v1 import content_pb2, evidence_pb2, moderation_service_pb2, verdict_pb2

from gaveld.application.moderate_image import ImageJudgement, ImageSubmission
from gaveld.domain.content import OffsetTable
from gaveld.domain.image_signals import (
    BoundingBox,
    HashBankKind,
    HashMatch,
    ImageCode,
    ImageFinding,
    ImageScores,
    ImageText,
)
from gaveld.domain.media import MediaFacts, MediaKind
from gaveld.domain.verdicts import JudgedFinding, category_scores
from gaveld.transport.grpc.converters.fields import media_from_proto
from gaveld.transport.grpc.converters.judgements import (
    MAX_FINDINGS,
    attribute_scores_to_proto,
    duration_to_proto,
    finding_to_proto,
    findings_shown,
    language_to_proto,
    outcomes_to_proto,
    timings_to_proto,
    topics_to_proto,
    verdict_to_proto,
)
from gaveld.transport.grpc.converters.rules import rule_outcomes_to_proto
from gaveld.transport.grpc.converters.submissions import check_request

MAX_TEXTS: Final = 256
MAX_CODES: Final = 64
MAX_TEXT_BYTES: Final = 4_096

_KINDS: Final = {
    MediaKind.IMAGE: content_pb2.MEDIA_KIND_IMAGE,
    MediaKind.ANIMATION: content_pb2.MEDIA_KIND_ANIMATION,
    MediaKind.VIDEO: content_pb2.MEDIA_KIND_VIDEO,
    MediaKind.AUDIO: content_pb2.MEDIA_KIND_AUDIO,
}
_BANK_KINDS: Final = {
    HashBankKind.BLOCK: evidence_pb2.HASH_BANK_KIND_BLOCK,
    HashBankKind.ALLOW: evidence_pb2.HASH_BANK_KIND_ALLOW,
}
_NO_TEXT: Final = OffsetTable("")


def image_submission_from_proto(
    request: moderation_service_pb2.ModerateImageRequest,
) -> ImageSubmission:
    """Return the picture to judge. Raises what ``check_request`` does."""
    check_request(request)
    return ImageSubmission(media_from_proto(request.media), tuple(request.blocked_terms))


def response_from_image(
    judgement: ImageJudgement,
    request: moderation_service_pb2.ModerateImageRequest,
    request_id: str,
) -> moderation_service_pb2.ModerateImageResponse:
    """Return the answer to one request.

    Findings that ask for nothing are left out, and timings too, unless ``explain`` is set.
    """
    shown = findings_shown(judgement.verdict, explain=request.explain)
    times = times_of(judgement)
    return moderation_service_pb2.ModerateImageResponse(
        verdict=verdict_to_proto(judgement.verdict),
        findings=[image_finding_to_proto(entry, times) for entry in shown[:MAX_FINDINGS]],
        omitted_finding_count=max(0, len(shown) - MAX_FINDINGS),
        classifier_outcomes=outcomes_to_proto(judgement.outcomes),
        image_scores=image_scores_to_proto(judgement.image_scores),
        worst_frame=frame_to_proto(judgement.worst_index, times),
        texts=[_text(entry, times) for entry in judgement.texts[:MAX_TEXTS]],
        codes=[_code(entry, times) for entry in judgement.codes[:MAX_CODES]],
        attribute_scores=attribute_scores_to_proto(judgement.attributes),
        language=language_to_proto(judgement.language, unexpected=judgement.language_is_unexpected),
        hash_matches=hash_matches_to_proto(judgement.hash_matches),
        facts=facts_to_proto(judgement.facts),
        description=judgement.description,
        topics=topics_to_proto(judgement.topics),
        content_sha256=judgement.sha256,
        request_id=request_id,
        content_id=request.content_id,
        metadata=request.metadata if request.HasField("metadata") else None,
        timings=timings_to_proto(judgement.timings) if request.explain else (),
        cached=judgement.is_cached,
        category_scores=category_scores(judgement.verdict),
        rule_outcomes=rule_outcomes_to_proto(judgement.rule_outcomes),
    )


def times_of(judgement: ImageJudgement) -> Mapping[int, float]:
    """Return when an animation's frames are shown, by their index; nothing for a still picture."""
    if judgement.facts is None or judgement.facts.kind is not MediaKind.ANIMATION:
        return {}
    return judgement.frame_seconds


def image_finding_to_proto(
    entry: JudgedFinding, times: Mapping[int, float], field_path: str = ""
) -> verdict_pb2.Finding:
    """Return one finding, with the frame, box and known picture that it names.

    ``field_path`` says which of several pieces it is in.
    """
    finding, shown = entry.finding, finding_to_proto(entry, _NO_TEXT)
    shown.field_path = field_path
    if not isinstance(finding, ImageFinding):
        return shown
    frame = frame_to_proto(finding.frame_index, times)
    if frame is not None:
        shown.frame.CopyFrom(frame)
    if finding.box is not None:
        shown.box.CopyFrom(_box(finding.box))
    if finding.hash_match is not None:
        shown.hash_match.CopyFrom(_hash_match(finding.hash_match))
    return shown


def image_scores_to_proto(scores: ImageScores | None) -> evidence_pb2.ImageScores | None:
    """Return the classes of a picture; None if it was not scored."""
    if not scores:
        return None
    return evidence_pb2.ImageScores(**{name.value: score for name, score in scores.items()})


def frame_to_proto(
    index: int | None, times: Mapping[int, float]
) -> evidence_pb2.FrameReference | None:
    """Return a frame of an animation; None for a still picture, which has no ``times``."""
    if index is None or not times:
        return None
    return evidence_pb2.FrameReference(index=index, time=duration_to_proto(times.get(index, 0.0)))


def facts_to_proto(facts: MediaFacts | None) -> evidence_pb2.MediaFacts | None:
    """Return what decoding showed; None for a file that was not decoded."""
    if facts is None:
        return None
    seconds = facts.duration_seconds
    return evidence_pb2.MediaFacts(
        format=facts.format.value,
        width_pixels=facts.width_pixels,
        height_pixels=facts.height_pixels,
        frame_count=facts.frame_count,
        judged_frame_count=facts.judged_frame_count,
        duration=None if seconds is None else duration_to_proto(seconds),
        truncated=facts.is_partial,
        byte_count=facts.byte_count,
        kind=_KINDS[facts.kind],
    )


def hash_matches_to_proto(matches: Iterable[HashMatch]) -> list[evidence_pb2.HashMatch]:
    """Return the known pictures in their order."""
    return [_hash_match(match) for match in matches]


def _hash_match(match: HashMatch) -> evidence_pb2.HashMatch:
    return evidence_pb2.HashMatch(
        bank=match.bank,
        entry_id=match.entry_id,
        distance=match.distance,
        quality=match.quality,
        bank_kind=_BANK_KINDS[match.kind],
    )


def _text(entry: ImageText, times: Mapping[int, float]) -> evidence_pb2.ImageText:
    return evidence_pb2.ImageText(
        text=_shortened(entry.text),
        confidence=entry.confidence,
        box=None if entry.box is None else _box(entry.box),
        frame=frame_to_proto(entry.frame_index, times),
    )


def _code(entry: ImageCode, times: Mapping[int, float]) -> evidence_pb2.ImageCode:
    return evidence_pb2.ImageCode(
        format=entry.format,
        text=_shortened(entry.text),
        box=None if entry.box is None else _box(entry.box),
        frame=frame_to_proto(entry.frame_index, times),
    )


def _box(box: BoundingBox) -> evidence_pb2.BoundingBox:
    return evidence_pb2.BoundingBox(left=box.left, top=box.top, width=box.width, height=box.height)


def _shortened(text: str) -> str:
    return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")

"""Pictures and checks between the wire and the domain, where the sockets' tests do not reach."""

from dataclasses import replace

import pytest
from gavel.v1 import check_service_pb2 as checks
from gavel.v1 import content_pb2, evidence_pb2
from gavel.v1 import moderation_service_pb2 as api
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.application.moderate_image import ImageJudgement
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.errors import ErrorReason, InvalidRequest, PermissionDenied
from gaveld.domain.image_signals import (
    BoundingBox,
    HashBankKind,
    HashMatch,
    ImageClass,
    ImageCode,
    ImageFinding,
    ImageText,
)
from gaveld.domain.media import MediaFacts, MediaKind
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    OutcomeStatus,
    Signals,
    Topic,
)
from gaveld.domain.verdicts import judge
from gaveld.transport.grpc.converters.checks import check_from_proto
from gaveld.transport.grpc.converters.fields import media_from_proto
from gaveld.transport.grpc.converters.images import (
    MAX_CODES,
    MAX_TEXT_BYTES,
    MAX_TEXTS,
    image_submission_from_proto,
    response_from_image,
)
from gaveld.transport.grpc.converters.judgements import MAX_FINDINGS
from gaveld.transport.grpc.errors import RefusedError

CARD = ClassifierCard("hashes", "1", frozenset({"A1"}))
MATCH = HashMatch("stolen", HashBankKind.BLOCK, "17", 12, 88, 4)
BOX = BoundingBox(0.1, 0.2, 0.3, 0.4)
FACTS = MediaFacts(
    "0" * 64, MediaFormat.GIF, MediaKind.ANIMATION, 640, 480, 120, 24, 5_000, 12.5, is_partial=True
)


def judgement(findings: int = 1, **more: object) -> ImageJudgement:
    found = tuple(
        ImageFinding(
            "A1", 0.9, "It is known.", "hashes", "1", frame_index=4, hash_match=MATCH, box=BOX
        )
        for _ in range(findings)
    )
    outcomes = (ClassifierOutcome(CARD, OutcomeStatus.RAN, 0.5),)
    verdict = judge(Signals(found, outcomes), Policy("test@1", {"A1": CategoryRule(0.5, 0.8)}))
    return replace(
        ImageJudgement(
            verdict,
            outcomes,
            "ab" * 32,
            (),
            facts=FACTS,
            frame_seconds={0: 0.0, 4: 0.4, 9: 0.9},
            worst_index=4,
        ),
        **more,
    )


def answered(judged: ImageJudgement, **fields: object) -> api.ModerateImageResponse:
    return response_from_image(judged, api.ModerateImageRequest(**fields), "r-1")


def test_a_file_is_where_the_request_says():
    """Law: bytes stay the bytes and an address the address."""
    inline = media_from_proto(content_pb2.Media(data=b"GIF"))
    assert (inline.data, inline.uri) == (b"GIF", "")
    there = media_from_proto(content_pb2.Media(uri="https://a.example/b"))
    assert (there.data, there.uri) == (None, "https://a.example/b")


def test_a_finding_has_all_that_is_known_of_its_place():
    """Law: frame, time, box and known picture travel with the finding."""
    (finding,) = answered(judgement()).findings
    assert (finding.frame.index, finding.frame.time.ToMilliseconds()) == (4, 400)
    assert finding.box == evidence_pb2.BoundingBox(left=0.1, top=0.2, width=0.3, height=0.4)
    assert finding.hash_match == evidence_pb2.HashMatch(
        bank="stolen",
        entry_id="17",
        distance=12,
        quality=88,
        bank_kind=evidence_pb2.HASH_BANK_KIND_BLOCK,
    )
    assert not finding.HasField("span")


def test_a_still_picture_has_no_frames():
    """Law: frames and times are an animation's; of a still picture they are unset."""
    still = replace(FACTS, kind=MediaKind.IMAGE, duration_seconds=None)
    shown = answered(judgement(facts=still, worst_index=None, texts=(ImageText("a", 0.9),)))
    assert not shown.HasField("worst_frame")
    assert not shown.findings[0].HasField("frame")
    assert not shown.texts[0].HasField("frame")
    assert not shown.facts.HasField("duration")


def test_the_facts_are_told_as_they_are():
    """Law: every fact of decoding stands in the answer."""
    facts = answered(judgement()).facts
    assert (facts.format, facts.kind) == ("GIF", content_pb2.MEDIA_KIND_ANIMATION)
    assert (facts.width_pixels, facts.height_pixels) == (640, 480)
    assert (facts.frame_count, facts.judged_frame_count) == (120, 24)
    assert (facts.duration.ToMilliseconds(), facts.byte_count) == (12_500, 5_000)
    assert facts.truncated


def test_a_file_that_was_not_decoded_has_no_facts():
    """Law: what nobody looked at is unset, and zero means something else."""
    shown = answered(judgement(facts=None, frame_seconds={}, worst_index=None))
    for name in ("facts", "image_scores", "worst_frame", "language", "attribute_scores"):
        assert not shown.HasField(name), name


def test_scores_of_zero_are_set():
    """Law: a class that is impossible differs from one that was not scored."""
    scores = dict.fromkeys(ImageClass, 0.0) | {ImageClass.NEUTRAL: 1.0}
    shown = answered(judgement(image_scores=scores)).image_scores
    assert shown.HasField("porn")
    assert (shown.porn, shown.neutral) == (0, 1)


def test_what_was_learnt_of_the_words_is_told():
    """Law: language, traits and topics are those of the text read."""
    shown = answered(
        judgement(
            language=DetectedLanguage("fr", 0.75),
            language_is_unexpected=True,
            attributes={Attribute.TOXICITY: 0.5},
            topics=(Topic("food", 0.7),),
            description="A picture.",
        )
    )
    assert (shown.language.code, shown.language.unexpected) == ("fr", True)
    assert shown.attribute_scores.toxicity == 0.5
    assert [topic.name for topic in shown.topics] == ["food"]
    assert shown.description == "A picture."


def test_an_answer_is_no_larger_than_the_contract_says():
    """Law: texts, codes and findings are cut at their limits, and findings left out are counted."""
    shown = answered(
        judgement(
            MAX_FINDINGS + 3,
            texts=tuple(ImageText("x", 0.9) for _ in range(MAX_TEXTS + 9)),
            codes=tuple(ImageCode("QRCode", "x") for _ in range(MAX_CODES + 9)),
        )
    )
    assert (len(shown.texts), len(shown.codes)) == (MAX_TEXTS, MAX_CODES)
    assert (len(shown.findings), shown.omitted_finding_count) == (MAX_FINDINGS, 3)


@settings(deadline=None)
@given(st.text(max_size=3_000))
def test_a_long_line_is_cut_between_characters(text: str):
    """Law: what is shown of a line is the beginning of it, within the contract's bytes."""
    shown = answered(judgement(texts=(ImageText(text * 4, 0.9),))).texts[0].text
    assert (text * 4).startswith(shown)
    assert len(shown.encode()) <= MAX_TEXT_BYTES
    assert len(shown.encode()) > MAX_TEXT_BYTES - 4 or shown == text * 4


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"blocked_terms": ["fine", " - "]}, "blocked_terms[1]")],
)
def test_what_would_have_no_effect_is_refused_by_name(fields, field: str):
    """Law: a wish that can't be granted is an error that names it."""
    request = api.ModerateImageRequest(media=content_pb2.Media(data=b"x"), **fields)
    with pytest.raises(InvalidRequest) as refused:
        image_submission_from_proto(request)
    assert refused.value.violations[0].field == field


def test_too_much_metadata_is_refused():
    """Law: what is echoed is bounded, for pictures and checks as for texts."""
    image = api.ModerateImageRequest(media=content_pb2.Media(data=b"x"))
    image.metadata["a"] = "x" * 20_000
    with pytest.raises(RefusedError):
        image_submission_from_proto(image)
    check = checks.CheckRequest(text="x")
    check.metadata["a"] = "x" * 20_000
    with pytest.raises(RefusedError):
        check_from_proto(check, "default")


def test_thresholds_of_zero_are_thresholds():
    """Law: a threshold that is set counts, and one that is not is left to the policy."""
    request = checks.CheckRequest(text="x")
    request.thresholds.toxicity = 0.0
    request.thresholds.images_sexual = 0.5
    submission = check_from_proto(request, "default")
    assert submission.thresholds == CheckThresholds(toxicity=0.0, images_sexual=0.5)


def test_a_project_is_ones_own():
    """Law: a call may name the key's project, and no other."""
    assert check_from_proto(checks.CheckRequest(text="x", project="shop"), "shop").text == "x"
    with pytest.raises(PermissionDenied) as refused:
        check_from_proto(checks.CheckRequest(text="x", project="bank"), "shop")
    assert refused.value.reason is ErrorReason.PROJECT_MISMATCH

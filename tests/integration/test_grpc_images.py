"""ModerateImage over a real socket: what a picture's answer says, and what is refused."""

import hashlib

import grpc
import pytest
from gavel.v1 import content_pb2, evidence_pb2, verdict_pb2
from gavel.v1 import moderation_service_pb2 as api
from prometheus_client import generate_latest
from structlog.testing import LogCapture

from gaveld.domain.image_signals import BoundingBox, ImageCode, ImageText
from gaveld.domain.policies import CategoryRule, Policy
from tests.fakes.pictures import FakePictureReader
from tests.fakes.text_reader import LEXICON, LINKS, FakeTextReader
from tests.fakes.verdict_cache import FakeVerdictCache
from tests.integration.grpc_stand import Running, Serve, failure_of
from tests.picture_house import PictureParts
from tests.pictures import RED, animated, encoded, plain, quarters

POLICY = Policy(
    "pictures@1",
    {
        "A1": CategoryRule(0.3, 0.7, required=True),
        "H2": CategoryRule(0.4, required=True),
        "L2": CategoryRule(0.5, 0.9, required=True),
        "S2": CategoryRule(0.5, 0.9, required=True),
    },
)
PNG = encoded(quarters(), "PNG")
GREY = (90, 90, 90)


async def started(serve: Serve, **parts) -> Running:
    return await serve(policy=POLICY, pictures=PictureParts(**parts))


def asked(data: bytes, **fields) -> api.ModerateImageRequest:
    return api.ModerateImageRequest(media=content_pb2.Media(data=data), **fields)


async def test_a_harmless_picture_is_allowed(serve: Serve):
    """Law: the answer says what the file is, what was seen in it, and what was not looked for."""
    running = await started(serve)
    answer = await running.moderation.ModerateImage(
        asked(encoded(plain(GREY, (64, 48)), "PNG"), request_id="r-1", content_id="c-1")
    )
    assert answer.verdict.action == verdict_pb2.ACTION_ALLOW
    assert answer.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert not answer.findings
    assert answer.facts.format == "PNG"
    assert (answer.facts.width_pixels, answer.facts.height_pixels) == (64, 48)
    assert answer.facts.kind == content_pb2.MEDIA_KIND_IMAGE
    assert not answer.facts.HasField("duration")
    assert not answer.facts.truncated
    assert answer.image_scores.neutral > 0.5
    assert not answer.HasField("worst_frame")
    assert answer.description == "A picture without nudity, 64 × 48 pixels."
    assert (answer.request_id, answer.content_id) == ("r-1", "c-1")
    assert answer.category_scores["A1"] == 0
    assert "V2" not in answer.category_scores
    blind = {entry.category_id for entry in answer.verdict.coverage.unchecked_categories}
    assert {"V1", "V2", "H1"} <= blind
    names = [entry.name for entry in answer.classifier_outcomes]
    assert names == sorted(names)
    assert {"nsfw", "ocr", "codes", "pixels", "lexicon"} <= set(names)


async def test_the_hash_is_of_the_bytes_as_sent(serve: Serve):
    """Law: the same bytes have the same SHA-256 everywhere."""
    answer = await (await started(serve)).moderation.ModerateImage(asked(PNG))
    assert answer.content_sha256 == hashlib.sha256(PNG).hexdigest()
    assert answer.facts.byte_count == len(PNG)


async def test_the_worst_frame_of_an_animation_is_named(serve: Serve):
    """Law: one bad frame among many decides, and the answer says which and when it is shown."""
    frames = [plain((90 + number, 90, 90), (40, 30)) for number in range(9)]
    frames[6] = plain(RED, (40, 30))
    answer = await (await started(serve)).moderation.ModerateImage(
        asked(animated(frames, "GIF", 200))
    )
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK
    assert answer.facts.kind == content_pb2.MEDIA_KIND_ANIMATION
    assert (answer.facts.frame_count, answer.facts.judged_frame_count) == (9, 9)
    assert answer.facts.duration.ToTimedelta().total_seconds() == pytest.approx(1.8)
    assert answer.worst_frame.index == 6
    assert answer.worst_frame.time.ToTimedelta().total_seconds() == pytest.approx(1.2)
    assert answer.image_scores.porn > 0.7
    (finding,) = answer.findings
    assert (finding.category_id, finding.frame.index) == ("A1", 6)
    assert "animation of 9 frames" in answer.description


async def test_words_and_codes_are_answered_with_their_boxes(serve: Serve):
    """Law: what was read stands in the answer with its place, and so does what was found in it."""
    left, right = BoundingBox(0.125, 0.25, 0.25, 0.125), BoundingBox(0.5, 0.5, 0.25, 0.25)
    reader = FakeTextReader({"fool": (LEXICON, "H2", 0.8), "192.0.2.7": (LINKS, "S2", 0.95)})
    running = await started(
        serve,
        reader=reader,
        ocr=FakePictureReader("ocr", [ImageText("you fool", 0.75, left)]),
        codes=FakePictureReader(
            "codes", codes=[ImageCode("QRCode", "http://192.0.2.7/login", right)]
        ),
    )
    answer = await running.moderation.ModerateImage(asked(PNG))
    (text,) = answer.texts
    assert (text.text, text.confidence) == ("you fool", 0.75)
    assert text.box == evidence_pb2.BoundingBox(left=0.125, top=0.25, width=0.25, height=0.125)
    assert not text.HasField("frame")
    (code,) = answer.codes
    assert (code.format, code.text) == ("QRCode", "http://192.0.2.7/login")
    assert [(found.category_id, found.box.left) for found in answer.findings] == [
        ("S2", 0.5),
        ("H2", 0.125),
    ]
    assert not any(found.HasField("span") for found in answer.findings)
    assert answer.language.code == "en"
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK


async def test_terms_and_overrides_are_the_calls_own(serve: Serve):
    """Law: what a call blocks or allows acts on that call alone."""
    running = await started(serve, ocr=FakePictureReader("ocr", [ImageText("buy globex", 0.9)]))
    plain_answer = await running.moderation.ModerateImage(asked(PNG))
    blocked = await running.moderation.ModerateImage(asked(PNG, blocked_terms=["globex"]))
    assert plain_answer.verdict.action == verdict_pb2.ACTION_ALLOW
    assert [found.category_id for found in blocked.findings] == ["L2"]
    request = asked(PNG, blocked_terms=["globex"])
    request.policy_overrides.categories["L2"].enabled = False
    overridden = await running.moderation.ModerateImage(request)
    assert overridden.verdict.action == verdict_pb2.ACTION_ALLOW
    assert overridden.verdict.policy_revision == "pictures@1+overrides"


async def test_explain_asks_everything_and_tells_the_time(serve: Serve):
    """Law: dear detectors are skipped once the verdict is settled, unless all is wanted."""
    parts = PictureParts()
    running = await serve(policy=POLICY, pictures=parts)
    red = encoded(plain(RED), "PNG")
    short = await running.moderation.ModerateImage(asked(red))
    skipped = {
        entry.name: entry.reason
        for entry in short.classifier_outcomes
        if entry.status == verdict_pb2.CLASSIFIER_STATUS_SKIPPED
    }
    assert skipped["ocr"] == "The verdict was settled without it."
    assert not short.timings
    full = await running.moderation.ModerateImage(asked(red, explain=True))
    assert parts.ocr.calls == 1
    assert [entry.stage for entry in full.timings][:3] == ["fetch", "wait", "decode"]


async def test_a_picture_that_was_seen_is_not_looked_at_again(serve: Serve):
    """Law: equal bytes get the earlier judgement, and the answer says so."""
    running = await started(serve, cache=FakeVerdictCache())
    first = await running.moderation.ModerateImage(asked(PNG))
    second = await running.moderation.ModerateImage(asked(PNG))
    assert (first.cached, second.cached) == (False, True)
    assert second.verdict == first.verdict


async def test_metadata_is_echoed(serve: Serve):
    """Law: metadata comes back as it was sent."""
    request = asked(PNG)
    request.metadata["order"] = "17"
    answer = await (await started(serve)).moderation.ModerateImage(request)
    assert answer.metadata["order"] == "17"


async def test_a_content_type_is_refused_by_name(serve: Serve):
    """Law: a content type that the policy does not have is an error, and never ignored."""
    running = await started(serve)
    failure = await failure_of(running.moderation.ModerateImage(asked(PNG, content_type="avatar")))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.info.reason == "UNKNOWN_CONTENT_TYPE"
    assert failure.info.metadata["content_type"] == "avatar"


async def test_a_request_without_a_picture_breaks_the_rules(serve: Serve):
    """Law: the contract's own rules are checked before anything is fetched."""
    running = await started(serve)
    for request in (
        api.ModerateImageRequest(),
        asked(b""),
        asked(b"x" * 4_000_001),
        api.ModerateImageRequest(media=content_pb2.Media(uri="ftp://pictures.example/a")),
    ):
        failure = await failure_of(running.moderation.ModerateImage(request))
        assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
        assert failure.bad_request.field_violations[0].field.startswith("media")


async def test_four_megabytes_go_through(serve: Serve):
    """Law: a picture of the largest size that goes inline is judged."""
    data = PNG + b"\0" * (4_000_000 - len(PNG))
    answer = await (await started(serve)).moderation.ModerateImage(asked(data))
    assert answer.facts.byte_count == 4_000_000


async def test_what_is_refused_is_counted_without_its_content(serve: Serve):
    """Law: metrics say why files are refused, in words of a closed list."""
    running = await started(serve)
    failure = await failure_of(running.moderation.ModerateImage(asked(b"<svg onload=alert(1)>")))
    assert failure.info.reason == "MEDIA_UNSUPPORTED"
    assert dict(failure.info.metadata) == {
        "field": "media",
        "why": "FORMAT_NOT_SUPPORTED",
        "detected": "image/svg+xml",
    }
    assert [refusal.value for refusal in running.telemetry.refusals] == ["FORMAT_NOT_SUPPORTED"]


async def test_nothing_of_a_picture_is_logged(serve: Serve, logs: LogCapture, caplog):
    """Law: words, codes and addresses reach no log and no metric, whatever a library says."""
    canary = "canary-7f3a"
    ocr = FakePictureReader("ocr", [ImageText(f"the {canary}", 0.9)])
    codes = FakePictureReader("codes")
    codes.failure = ValueError(canary)
    running = await started(serve, ocr=ocr, codes=codes)
    answer = await running.moderation.ModerateImage(asked(PNG))
    assert canary in answer.texts[0].text
    there = api.ModerateImageRequest(
        media=content_pb2.Media(uri=f"http://{canary}.invalid/{canary}")
    )
    await failure_of(running.moderation.ModerateImage(there))
    assert logs.entries
    assert canary not in str(logs.entries) + caplog.text
    assert canary not in generate_latest(running.registry).decode()

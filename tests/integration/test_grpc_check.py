"""Check over a real socket: text, pictures and animations together, each judged by itself."""

import grpc
import pytest
from gavel.v1 import check_service_pb2 as api
from gavel.v1 import content_pb2, verdict_pb2
from google.rpc import error_details_pb2

from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy
from tests.fakes.pictures import FakeNetwork
from tests.integration.grpc_stand import Running, Serve, failure_of
from tests.picture_house import PictureParts
from tests.pictures import RED, animated, encoded, plain, quarters

POLICY = Policy(
    "checks@1",
    {
        "A1": CategoryRule(0.3, 0.7),
        "H3": CategoryRule(0.4, 0.8),
        "L1": CategoryRule(0.5),
    },
    check_thresholds=CheckThresholds(sentiment=0.8, images=0.7),
)
GREY = encoded(plain((90, 90, 90)), "PNG")
BAD = encoded(plain(RED), "PNG")
MOVING = animated([plain((90, 90, 90 + n)) for n in range(5)] + [plain(RED)], "GIF", 100)


def media(*files: bytes) -> list[content_pb2.Media]:
    return [content_pb2.Media(data=data) for data in files]


@pytest.fixture
async def running(serve: Serve) -> Running:
    return await serve(policy=POLICY)


async def test_a_mix_is_answered_piece_by_piece(running: Running):
    """Law: every piece has its own result in its own place, and the verdict is on all."""
    answer = await running.checks.Check(
        api.CheckRequest(
            text="I will kill you",
            images=media(GREY, BAD, GREY),
            gifs=media(MOVING),
            content_id="c-1",
            request_id="r-1",
            trace_context="t-1",
        )
    )
    assert answer.hits
    assert [entry.hit for entry in answer.images] == [False, True, False]
    assert [entry.category for entry in answer.images] == ["neutral", "porn", "neutral"]
    assert answer.images[1].confidence == pytest.approx(answer.images[1].scores.porn)
    assert not answer.images[1].HasField("worst_frame")
    assert answer.worst_image_index == 1
    (moving,) = answer.gifs
    assert (moving.hit, moving.worst_frame.index) == (True, 5)
    assert moving.worst_frame.time.ToTimedelta().total_seconds() == pytest.approx(0.5)
    assert answer.worst_gif_index == 0
    assert answer.sentiment.hit
    assert answer.sentiment.scores.toxicity == pytest.approx(0.9)
    assert answer.language.detected.code == "en"
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK
    assert {found.field_path for found in answer.findings} == {"text", "images[1]", "gifs[0]"}
    (threat,) = (found for found in answer.findings if found.field_path == "text")
    assert (threat.span.byte_start, threat.span.byte_end) == (7, 11)
    assert (answer.content_id, answer.request_id, answer.trace_context) == ("c-1", "r-1", "t-1")
    assert not answer.timings


async def test_a_harmless_mix_hits_nothing(running: Running):
    """Law: without findings nothing is a hit, and what was not there was not checked."""
    answer = await running.checks.Check(api.CheckRequest(images=media(GREY)))
    assert not answer.hits
    assert answer.verdict.action == verdict_pb2.ACTION_ALLOW
    assert answer.links.status == answer.badwords.status == api.CHECK_STATUS_NOT_CHECKED
    assert answer.antivirus.status == api.CHECK_STATUS_NOT_CHECKED
    assert not answer.HasField("language")
    assert not answer.HasField("sentiment")
    assert answer.worst_image_index == 0
    assert answer.HasField("worst_image_index")
    assert not answer.HasField("worst_gif_index")
    assert answer.trace_context


async def test_a_picture_that_fails_says_why_in_its_place(running: Running):
    """Law: one bad picture is an error of its own, with the contract's reason and field."""
    answer = await running.checks.Check(
        api.CheckRequest(text="hello", images=media(b"<svg/>", GREY), gifs=media(b"GIF89a"))
    )
    broken, fine = answer.images
    assert (broken.status, fine.status) == (api.CHECK_STATUS_ERROR, api.CHECK_STATUS_OK)
    assert broken.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    info = error_details_pb2.ErrorInfo()
    assert broken.error.details[0].Unpack(info)
    assert (info.reason, info.metadata["field"]) == ("MEDIA_UNSUPPORTED", "images[0]")
    assert broken.category == ""
    assert not broken.HasField("scores")
    assert answer.gifs[0].error.details[0].Unpack(info)
    assert info.metadata["field"] == "gifs[0]"
    assert answer.worst_image_index == 1
    unchecked = {entry.category_id for entry in answer.verdict.coverage.unchecked_categories}
    assert "A1" in unchecked


async def test_the_kind_of_a_file_follows_from_its_bytes(running: Running):
    """Law: a still picture among the animations and the other way round are judged alike."""
    answer = await running.checks.Check(
        api.CheckRequest(images=media(MOVING), gifs=media(encoded(quarters(), "GIF")))
    )
    assert answer.images[0].worst_frame.index == 5
    assert not answer.gifs[0].HasField("worst_frame")


async def test_thresholds_of_the_call_decide_its_hits(running: Running):
    """Law: a call's thresholds change what is a hit, down to zero, and no verdict."""
    request = api.CheckRequest(text="hello", images=media(BAD))
    request.thresholds.images_porn = 1.0
    lenient = await running.checks.Check(request)
    assert not lenient.hits
    assert lenient.verdict.action == verdict_pb2.ACTION_BLOCK
    request.thresholds.sentiment = 0.0
    strict = await running.checks.Check(request)
    assert strict.sentiment.hit
    assert strict.hits


async def test_another_project_is_refused_by_name(running: Running):
    """Law: a key is good for its own project."""
    mine = await running.checks.Check(api.CheckRequest(text="hello", project="default"))
    assert mine.verdict.action == verdict_pb2.ACTION_ALLOW
    failure = await failure_of(running.checks.Check(api.CheckRequest(text="hello", project="shop")))
    assert failure.code is grpc.StatusCode.PERMISSION_DENIED
    assert failure.info.reason == "PROJECT_MISMATCH"
    assert failure.info.metadata["project"] == "shop"


async def test_explain_shows_everything_and_times_each_piece(running: Running):
    """Law: timings say which piece a stage belongs to."""
    answer = await running.checks.Check(
        api.CheckRequest(text="meh", images=media(GREY), explain=True)
    )
    stages = {entry.stage for entry in answer.timings}
    assert {"text.classify", "images[0].decode", "images[0].networks"} <= stages
    assert [found.category_id for found in answer.findings] == ["L1"]


async def test_nothing_at_all_breaks_the_rules(running: Running):
    """Law: at least one piece is needed."""
    failure = await failure_of(running.checks.Check(api.CheckRequest(content_id="c")))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "at least one" in str(failure.status)


async def test_each_classifier_is_listed_once(running: Running):
    """Law: of several pieces, each classifier has one outcome, sorted by name."""
    answer = await running.checks.Check(api.CheckRequest(text="hi", images=media(GREY, b"<svg/>")))
    names = [entry.name for entry in answer.classifier_outcomes]
    assert names == sorted(set(names))


async def test_without_places_the_whole_is_turned_away(serve: Serve):
    """Law: overload is told with the time to come back, and clients may retry it."""
    parts = PictureParts(network=FakeNetwork(), places=(1, 0, 5.0))
    running = await serve(policy=POLICY, pictures=parts)
    request = api.CheckRequest(images=media(GREY, encoded(quarters(), "PNG"), BAD))
    failure = await failure_of(running.checks.Check(request))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.info.reason == "SERVER_OVERLOADED"
    assert failure.retry is not None

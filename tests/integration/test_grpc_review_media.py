"""``ReviewImage`` and ``ReviewVideo`` over the wire."""

import asyncio
import base64
import io
from contextlib import AsyncExitStack

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1 import review_pb2, verdict_pb2
from gavel.v1.content_pb2 import Media
from PIL import Image

from gaveld.adapters.reviewers.embedded import MEMBERS
from gaveld.domain.image_signals import BoundingBox, ImageText
from tests.chat_models import review
from tests.chat_reviewers import reviewer_at
from tests.chat_server import chat_server, says
from tests.embedded_panel import Panel
from tests.fakes.credits import FakeCredits
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.pictures import FakePictureReader
from tests.fakes.text_reader import FakeTextReader
from tests.fetch_target import PUBLIC, Names, Network, fetching, sends, target
from tests.integration.grpc_stand import Running, Serve, failure_of
from tests.integration.video_stand import media_server, span
from tests.media_house import WORDS, MediaParts
from tests.picture_house import PictureParts
from tests.pictures import animated, encoded, plain
from tests.videos import BLUE, RED, ordinary, video

UNSAFE, SAFE = review_pb2.DECISION_UNSAFE, review_pb2.DECISION_SAFE
RED_PNG, BLUE_PNG = (encoded(plain(name, (64, 48)), "PNG") for name in ("red", "blue"))
BOX = BoundingBox(0.1, 0.2, 0.3, 0.4)


async def image(running: Running, data: bytes, **fields: object) -> api.ReviewImageResponse:
    request = api.ReviewImageRequest(content=Media(data=data), **{"verbose": 2, **fields})
    return await running.compliance.ReviewImage(request)


async def film(running: Running, data: bytes, **fields: object) -> api.ReviewVideoResponse:
    request = api.ReviewVideoRequest(content=Media(data=data), **{"verbose": 2, **fields})
    return await running.compliance.ReviewVideo(request)


async def test_a_picture_is_reviewed_by_the_panel(serve: Serve):
    """Law: what is seen makes it unsafe, what is harmless is safe, and each reviewer votes."""
    running = await media_server(serve)
    red = await image(running, RED_PNG, request_id="mine")
    assert (red.review.decision, red.review.score, red.request_id) == (UNSAFE, 10, "mine")
    assert [entry.agent_name for entry in red.review.agent_decisions] == [m.name for m in MEMBERS]
    (found,) = red.review.findings
    assert (found.category_id, found.HasField("frame"), found.HasField("time_range")) == (
        "A1", False, False,
    )  # fmt: skip
    blue = await image(running, BLUE_PNG)
    assert (blue.review.decision, blue.review.score) == (SAFE, 0)
    assert blue.review.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    unseen = {entry.category_id for entry in blue.review.coverage.unchecked_categories}
    assert {"V1", "V2"} <= unseen


async def test_words_in_a_picture_make_it_unsafe(serve: Serve):
    """Law: what is written in a harmless picture is judged, and found in its box."""
    reading = FakePictureReader(texts=[ImageText("I will kill you", 0.9, BOX)])
    parts = PictureParts(ocr=reading, reader=FakeTextReader(WORDS))
    panel = Panel(FakePanelScorer({"kill": ("H1", 0.9)}))
    running = await media_server(serve, MediaParts(parts), reviewers=panel.reviewers)
    answer = await image(running, BLUE_PNG)
    assert (answer.review.decision, answer.review.score) == (UNSAFE, 10)
    assert answer.review.flagged_categories[0].id == "H1"
    (listed,) = [entry for entry in answer.review.findings if entry.classifier == "lexicon"]
    assert (listed.box.left, listed.box.height) == (BOX.left, BOX.height)


async def test_the_worst_frame_of_an_animation_is_named(serve: Serve):
    """Law: an animation is as bad as its worst frame, which the finding names with its time."""
    running = await media_server(serve)
    data = animated([plain(name, (64, 48)) for name in ("blue", "red", "blue")], "GIF", 500)
    answer = await image(running, data)
    assert answer.review.decision == UNSAFE
    (found,) = answer.review.findings
    assert (found.frame.index, found.frame.time.nanos) == (1, 500_000_000)
    assert not found.HasField("time_range")


async def test_a_video_is_reviewed_with_its_times(serve: Serve):
    """Law: a video that comes at once is judged as one that is streamed."""
    running = await media_server(serve)
    scenes = ((0.0, BLUE), (2.0, RED), (4.0, BLUE))
    answer = await film(running, video(scenes=scenes, seconds=6.0))
    assert answer.review.decision == UNSAFE
    (found,) = answer.review.findings
    assert span(found) == (2.0, 4.0)
    calm = await film(running, video(scenes=((0.0, BLUE),)))
    assert calm.review.decision == SAFE


@pytest.mark.parametrize(
    ("method", "data"),
    [("ReviewImage", ordinary()), ("ReviewVideo", RED_PNG), ("ReviewImage", b"<svg/>")],
)
async def test_another_kind_of_file_is_refused(serve: Serve, method: str, data: bytes):
    """Law: a video is no picture, a picture no video; which field is wrong is named."""
    running = await media_server(serve)
    request = getattr(api, f"{method}Request")(content=Media(data=data))
    failure = await failure_of(getattr(running.compliance, method)(request))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "MEDIA_UNSUPPORTED",
    )
    assert [entry.field for entry in failure.bad_request.field_violations] == ["content"]


async def test_the_requests_that_the_followed_api_shows(serve: Serve):
    """Law: its two pictures, by address and as a data URL, and its video by address are served."""
    jpeg = encoded(plain("blue", (64, 48)), "JPEG")
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(
            target({"/image.jpg": sends(jpeg), "/video.mp4": sends(ordinary())})
        )
        names = Names(example_com=[[PUBLIC]])
        fetcher = await stack.enter_async_context(fetching(Network(host.port), names))
        running = await media_server(serve, fetcher=fetcher)
        by_address = await running.compliance.ReviewImage(
            api.ReviewImageRequest(
                content=Media(uri="http://example.com/image.jpg"),
                amount=10,
                context="User profile picture upload",
                verbose=2,
            )
        )
        assert (by_address.review.decision, len(by_address.review.agent_decisions)) == (SAFE, 10)
        inline = await running.compliance.ReviewImage(
            api.ReviewImageRequest(
                content=Media(data=base64.b64decode(base64.b64encode(jpeg))),
                amount=10,
                verbose=2,
            )
        )
        assert inline.review.content_sha256 == by_address.review.content_sha256
        film_by_address = await running.compliance.ReviewVideo(
            api.ReviewVideoRequest(
                content=Media(uri="http://example.com/video.mp4"),
                amount=8,
                context="User uploaded video content",
                verbose=2,
            )
        )
        assert film_by_address.review.decision == UNSAFE
        assert len(film_by_address.review.agent_decisions) == 8


async def test_an_address_inside_is_refused_and_costs_nothing(serve: Serve):
    """Law: a file that may not be fetched is named by its field, and the credits come back."""
    purse = FakeCredits(default=10)
    running = await media_server(serve, balances=purse)
    request = api.ReviewVideoRequest(content=Media(uri="http://127.0.0.1/video.mp4"))
    failure = await failure_of(running.compliance.ReviewVideo(request))
    assert failure.info.reason == "MEDIA_ADDRESS_REFUSED"
    assert failure.info.metadata["field"] == "content"
    assert purse.balances == {"default": 10}


async def test_a_review_costs_a_credit_for_each_reviewer(serve: Serve):
    """Law: pictures and videos cost what texts do, and who can't pay has nothing decoded."""
    purse = FakeCredits(default=8)
    media = MediaParts()
    running = await media_server(serve, media, balances=purse)
    await image(running, BLUE_PNG, amount=3)
    await film(running, ordinary(), amount=4)
    assert purse.balances == {"default": 1}
    seen = len(media.pictures.network.seen)
    failure = await failure_of(image(running, BLUE_PNG, amount=2))
    assert failure.info.reason == "INSUFFICIENT_CREDITS"
    assert len(media.pictures.network.seen) == seen


async def test_a_repeat_is_answered_once(serve: Serve):
    """Law: the same request under one request id is judged once."""
    media = MediaParts()
    running = await media_server(serve, media)
    first = await image(running, RED_PNG, request_id="a")
    again = await image(running, RED_PNG, request_id="a")
    assert first == again
    assert len(media.pictures.network.seen) == 1


async def test_a_video_of_which_nothing_was_judged_in_time_is_not_safe(serve: Serve):
    """Law: where the deadline comes before anything was looked at, the call fails."""
    media = MediaParts()
    media.pictures.network.gate = asyncio.Event()
    running = await media_server(serve, media)
    request = api.ReviewVideoRequest(content=Media(data=ordinary()))
    failure = await failure_of(running.compliance.ReviewVideo(request, timeout=5.0))
    assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_nobody_who_looked_is_never_safe(serve: Serve):
    """Law: a picture that no detector could look at fails the call."""
    media = MediaParts()
    media.pictures.network.failure = RuntimeError("down")
    media.pictures.ocr.failure = RuntimeError("down")
    media.pictures.codes.failure = RuntimeError("down")
    running = await media_server(serve, media)
    failure = await failure_of(image(running, BLUE_PNG))
    assert failure.info.reason == "REVIEWERS_UNAVAILABLE"


async def test_a_model_with_eyes_is_shown_pictures(serve: Serve):
    """Law: a chat model that sees pictures gets them as JPEG files; of a video, its frames."""
    async with (
        chat_server(says(review("safe"))) as server,
        reviewer_at(server.url, reads_images=True) as reviewer,
    ):
        running = await media_server(serve, reviewers=[reviewer])
        assert (await image(running, RED_PNG)).review.decision == SAFE
        assert (await film(running, ordinary())).review.decision == SAFE
    one, film_frames = (_shown(request.body) for request in server.received)
    assert len(one) == 1
    assert len(film_frames) == 5
    for shown in (*one, *film_frames):
        picture = Image.open(io.BytesIO(shown))
        assert picture.format == "JPEG"
    assert Image.open(io.BytesIO(one[0])).getpixel((5, 5))[0] > 200


def _shown(body: dict) -> list[bytes]:
    head = "data:image/jpeg;base64,"
    urls = [
        part["image_url"]["url"]
        for part in body["messages"][-1]["content"]
        if part["type"] == "image_url"
    ]
    assert all(url.startswith(head) for url in urls)
    return [base64.b64decode(url.removeprefix(head)) for url in urls]

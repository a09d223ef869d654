"""``StreamVideo`` over the wire: what is told while a file, or live frames, arrive."""

import asyncio

import grpc
import pytest
from gavel.v1 import content_pb2, review_pb2, verdict_pb2
from PIL import Image

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.adapters.video.limits import VideoLimits
from tests.integration.grpc_stand import Serve, failure_of
from tests.integration.video_stand import (
    LIVE,
    Request,
    VideoStream,
    chunks,
    findings,
    live,
    media_server,
    options,
    progress,
    span,
    watched,
)
from tests.media_house import MediaParts
from tests.pictures import encoded, noise, plain
from tests.videos import BLUE, RED, of_kind, ordinary, still_of, video

RED_JPEG = encoded(plain("red", (64, 48)), "JPEG")
BLUE_JPEG = encoded(plain("blue", (64, 48)), "JPEG")
SIZE = (640, 384)
SCENES = ((0.0, BLUE), (3.0, RED), (6.0, BLUE))


def large(flags: str = "") -> bytes:
    """Ten red seconds of so many bytes that half of them show something."""
    grain = Image.blend(noise(*SIZE), Image.new("RGB", SIZE, RED), 0.95)
    options = {"movflags": flags} if flags else {}
    return video("mov", "mjpeg", seconds=10.0, size=SIZE, scenes=((0.0, grain),), options=options)


@pytest.mark.parametrize(
    ("kind", "size"), [("moov first", 64), ("moov last", 512), ("webm", 1 << 20), ("ts", 4096)]
)
async def test_what_is_found_says_when(serve: Serve, kind: str, size: int):
    """Law: however a file is packed and cut, a finding says from when to when it is seen."""
    data = of_kind(kind, scenes=SCENES, seconds=9.0)
    running = await media_server(serve)
    events = await watched(running, chunks(data, size), verbose=2)
    (told,) = findings(events)
    assert (told.category_id, told.action) == ("A1", verdict_pb2.ACTION_BLOCK)
    assert span(told) == (3.0, 3.0)
    final = events[-1].final
    (kept,) = final.review.findings
    assert span(kept) == (3.0, 6.0)
    assert kept.frame.time.seconds == 3
    assert final.review.decision == review_pb2.DECISION_UNSAFE
    assert final.action == verdict_pb2.ACTION_BLOCK
    assert not final.settled
    assert final.facts.kind == content_pb2.MEDIA_KIND_VIDEO
    assert (final.facts.byte_count, final.facts.judged_frame_count) == (len(data), 9)
    assert progress(events)[-1].judged_frame_count == 9


async def test_a_harmless_video_is_safe(serve: Serve):
    """Law: a video in which nothing is found is safe and allowed, with complete coverage."""
    running = await media_server(serve)
    events = await watched(running, chunks(video(scenes=((0.0, BLUE),))), request_id="mine")
    final = events[-1].final
    assert findings(events) == []
    assert final.review.decision == review_pb2.DECISION_SAFE
    assert final.action == verdict_pb2.ACTION_ALLOW
    assert final.review.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert final.request_id == "mine"


async def test_subtitles_are_read(serve: Serve):
    """Law: a threat in the subtitles is a finding at the time when it is shown."""
    lines = ((1.0, 2.0, "Good morning."), (5.0, 7.5, "I will kill you."))
    data = video("matroska", scenes=((0.0, BLUE),), seconds=9.0, subtitles=lines)
    running = await media_server(serve)
    events = await watched(running, chunks(data))
    (told,) = findings(events)
    assert (told.category_id, span(told)) == ("H1", (5.0, 7.5))
    assert not told.HasField("frame")


async def test_judging_begins_before_the_file_is_whole(serve: Serve):
    """Law: what came of a file with its index in front is judged while the rest is to come."""
    data = large("faststart")
    stream = VideoStream(await media_server(serve))
    half = chunks(data, len(data) // 2)
    await stream.send(options(total_bytes=len(data)), half[0])
    told = (await stream.until("finding")).finding
    assert told.category_id == "A1"
    await stream.send(*half[1:])
    assert (await stream.close())[-1].final.facts.byte_count == len(data)


async def test_waiting_for_the_index_is_told(serve: Serve):
    """Law: of a file with its index at the end the caller hears that it can't be judged yet."""
    data = large()
    stream = VideoStream(await media_server(serve))
    await stream.send(options())
    parts = chunks(data, len(data) // 16 + 1)
    told = None
    for part in parts[:-1]:
        await stream.send(part)
    while told is None or not told.waiting_for_index:
        told = (await stream.until("progress")).progress
    assert told.judged_frame_count == 0
    await stream.send(parts[-1])
    events = await stream.close()
    assert findings(events)
    assert not progress(events)[-1].waiting_for_index


async def test_a_settled_stream_ends_by_itself(serve: Serve):
    """Law: with the wish to stop, the end comes although the caller goes on sending."""
    data = large("faststart")
    stream = VideoStream(await media_server(serve))
    half = chunks(data, len(data) // 2)
    await stream.send(options(stop_when_settled=True), half[0])
    final = (await stream.until("final")).final
    assert final.settled
    assert final.review.decision == review_pb2.DECISION_UNSAFE
    assert final.review.coverage.status != verdict_pb2.COVERAGE_STATUS_COMPLETE
    await stream.send(*half[1:])
    assert await stream.close() == []
    assert await stream.call.code() is grpc.StatusCode.OK


async def test_live_frames_are_judged_as_they_come(serve: Serve):
    """Law: each live frame is looked at, and findings have the times that the caller gives."""
    stream = VideoStream(await media_server(serve))
    await stream.send(options(input=LIVE, verbose=2), live(BLUE_JPEG, 0.0))
    assert (await stream.until("progress")).progress.judged_frame_count == 1
    await stream.send(live(RED_JPEG, 1.5))
    assert span((await stream.until("finding")).finding) == (1.5, 1.5)
    await stream.send(live(RED_JPEG, 2.0), live(BLUE_JPEG, 4.25))
    final = (await stream.close())[-1].final
    (kept,) = final.review.findings
    assert span(kept) == (1.5, 4.25)
    assert final.facts.judged_frame_count == 4
    assert final.facts.format == "JPEG"


CHUNK = Request(chunk=b"x" * 600)


FAULTS = (
    ([CHUNK], "STREAM_PROTOCOL", "options"),
    ([options(), options()], "STREAM_PROTOCOL", "options"),
    ([options(), live(RED_JPEG, 0.0)], "STREAM_PROTOCOL", "frame"),
    ([options(input=LIVE), CHUNK], "STREAM_PROTOCOL", "chunk"),
    ([options(), Request()], "STREAM_PROTOCOL", "message"),
    ([options(), Request(chunk=b"")], "INVALID_ARGUMENT", "chunk"),
    ([options(), Request(chunk=bytes((1 << 20) + 1))], "INVALID_ARGUMENT", "chunk"),
    ([options(input=LIVE), live(b"", 0.0)], "INVALID_ARGUMENT", "frame.jpeg"),
    (
        [options(input=LIVE), live(RED_JPEG, 2.0), live(RED_JPEG, 1.0)],
        "INVALID_ARGUMENT",
        "frame.offset",
    ),
    ([options(amount=11)], "INVALID_ARGUMENT", "options.amount"),
    (
        [options(excluded_categories=["Z9"])],
        "UNKNOWN_CATEGORY",
        "options.excluded_categories[0]",
    ),
    ([options(input=LIVE)], "INVALID_ARGUMENT", "frame"),
    ([options()], "MEDIA_UNSUPPORTED", "chunk"),
    ([options(), CHUNK], "MEDIA_UNSUPPORTED", "chunk"),
    ([options(), Request(chunk=RED_JPEG)], "MEDIA_UNSUPPORTED", "chunk"),
    (
        [options(input=LIVE), live(b"GIF89a" + bytes(99), 0.0)],
        "MEDIA_UNSUPPORTED",
        "frame.jpeg",
    ),
    ([options(input=LIVE), live(RED_JPEG[:300], 0.0)], "MEDIA_CORRUPT", "frame.jpeg"),
)
"""What may be sent, the reason that it is refused for, and the field."""


async def test_what_is_wrong_is_named(serve: Serve):
    """Law: a stream that breaks the rules is refused with the field at fault."""
    running = await media_server(serve)
    for requests, reason, field in FAULTS:
        failure = await failure_of(_sent(VideoStream(running), requests))
        assert failure.info.reason == reason
        assert {entry.field for entry in failure.bad_request.field_violations} == {field}


async def _sent(stream: VideoStream, requests: list) -> None:
    try:
        await stream.send(*requests)
    finally:  # what ended it is told where answers are read
        await stream.close()


async def test_ten_hours_of_one_frame_are_judged(serve: Serve):
    """Law: what a file claims of itself costs nothing; what it shows is judged."""
    running = await media_server(serve)
    final = (await watched(running, chunks(still_of(hours=10))))[-1].final
    assert final.review.decision == review_pb2.DECISION_UNSAFE
    assert final.facts.judged_frame_count == 1


async def test_half_a_file_is_judged_as_far_as_it_goes(serve: Serve):
    """Law: of a file that ends too early what there is counts, and is said not to be all."""
    data = large("faststart")
    running = await media_server(serve)
    final = (await watched(running, chunks(data[: len(data) // 2])))[-1].final
    assert final.facts.truncated
    assert final.review.decision == review_pb2.DECISION_UNSAFE
    assert final.review.coverage.status != verdict_pb2.COVERAGE_STATUS_COMPLETE


@pytest.mark.parametrize("data", [bytes(4096), ordinary()[:900]], ids=["zeros", "a beginning"])
async def test_after_garbage_the_next_is_judged(serve: Serve, data: bytes):
    """Law: what can't be judged is refused, and the next one is served."""
    running = await media_server(serve)
    failure = await failure_of(watched(running, chunks(data)))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.info.metadata["field"] == "chunk"
    events = await watched(running, chunks(ordinary()))
    assert events[-1].final.review.decision == review_pb2.DECISION_UNSAFE


async def test_more_bytes_than_a_video_may_have_are_refused(serve: Serve):
    """Law: a file that grows beyond the limit ends the stream at once, by its field."""
    decoder = ProcessVideoDecoder(VideoLimits(max_bytes=2_000), workers=1)
    running = await media_server(serve, MediaParts(decoder=decoder))
    sent = _sent(VideoStream(running), [options(), *chunks(large("faststart"), 900)])
    failure = await failure_of(sent)
    assert failure.info.reason == "MEDIA_TOO_LARGE"
    assert failure.info.metadata["maximum"] == "2000"
    assert [entry.field for entry in failure.bad_request.field_violations] == ["chunk"]


async def test_a_caller_who_does_not_read_live_findings_is_made_to_wait(serve: Serve):
    """Law: who sends more live frames than are judged is held back, and none is lost."""
    media = MediaParts()
    media.pictures.network.gate = asyncio.Event()
    stream = VideoStream(await media_server(serve, media))
    await stream.send(options(input=LIVE))
    large_frame = encoded(noise(800, 600), "JPEG")
    sending = asyncio.create_task(
        stream.send(*(live(large_frame, float(number)) for number in range(30)))
    )
    await media.pictures.network.asked.wait()
    await asyncio.wait([sending], timeout=1.0)
    assert not sending.done()
    media.pictures.network.gate.set()
    events = await asyncio.gather(stream.until("progress"), sending)
    assert events[0].progress.judged_frame_count < 30
    assert (await stream.close())[-1].final.facts.judged_frame_count == 30

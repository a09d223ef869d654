"""How streams of video end: by drain, deadline, silence, or a caller who goes away."""

import asyncio

import grpc
from gavel.v1 import review_pb2, verdict_pb2

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.credits import FakeCredits
from tests.integration.grpc_stand import Serve, failure_of
from tests.integration.video_stand import (
    LIVE,
    VideoStream,
    chunks,
    live,
    media_server,
    options,
    until_in_progress,
    watched,
)
from tests.media_house import MediaParts
from tests.pictures import encoded, plain
from tests.videos import ordinary

RED_JPEG = encoded(plain("red", (64, 48)), "JPEG")


async def begun_live(running, **call: object) -> VideoStream:
    """A live stream of which one red frame was judged."""
    stream = VideoStream(running, **call)
    await stream.send(options(input=LIVE), live(RED_JPEG, 0.0))
    await stream.until("progress")
    return stream


async def test_a_drain_reviews_what_was_judged(serve: Serve):
    """Law: a server that goes down ends a stream with the review of what came so far."""
    running = await media_server(serve)
    stream = await begun_live(running)
    draining = asyncio.create_task(running.server.drain(0.0, grace_seconds=20.0))
    final = (await stream.rest())[-1].final
    assert final.review.decision == review_pb2.DECISION_UNSAFE
    assert final.review.coverage.status != verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert not final.settled
    assert await stream.call.code() is grpc.StatusCode.OK
    await draining


async def test_a_drain_of_an_idle_stream_is_never_safe(serve: Serve):
    """Law: where nothing was judged the end has no review, asks for a person, and costs nothing."""
    purse = FakeCredits(default=10)
    running = await media_server(serve, balances=purse)
    stream = VideoStream(running)
    await stream.send(options(input=LIVE))
    await until_in_progress(running, 1)
    draining = asyncio.create_task(running.server.drain(0.0, grace_seconds=20.0))
    (event,) = await stream.rest()
    assert not event.final.HasField("review")
    assert event.final.action == verdict_pb2.ACTION_REVIEW
    assert purse.balances == {"default": 10}
    await draining


async def test_a_deadline_leaves_time_for_the_review(serve: Serve):
    """Law: shortly before the caller's deadline what was judged is reviewed."""
    running = await media_server(serve)
    stream = await begun_live(running, timeout=8.0)
    final = (await stream.rest())[-1].final
    assert final.review.decision == review_pb2.DECISION_UNSAFE


async def test_a_file_that_stops_coming_gives_its_decoder_back(serve: Serve):
    """Law: whoever sends nothing of a file for too long does not keep others from theirs."""
    media = MediaParts(max_work_seconds=10.0)
    running = await media_server(
        serve, media, options=GrpcServerOptions(port=0, max_deadline_seconds=0.5)
    )
    stream = VideoStream(running)
    await stream.send(options(), chunks(ordinary(), 800)[0])
    failure = await failure_of(stream.rest())
    assert failure.info.reason == "DEADLINE_EXCEEDED"
    assert media.decoder.pids


async def test_who_finds_no_decoder_is_told_to_come_again(serve: Serve):
    """Law: where all decoders are busy a caller waits a while and is then turned away."""
    running = await media_server(serve, options=GrpcServerOptions(port=0, max_deadline_seconds=2.0))
    first = VideoStream(running)
    await first.send(options(), chunks(ordinary(), 800)[0])
    await until_in_progress(running, 1)
    second = VideoStream(running)
    await second.send(options())

    async def kept_busy() -> None:
        for part in chunks(ordinary(), 100)[8:]:
            await first.send(part)
            await asyncio.wait([told], timeout=1.0)

    told = asyncio.create_task(failure_of(second.rest()))
    busy = asyncio.create_task(kept_busy())
    assert (await told).info.reason == "SERVER_OVERLOADED"
    await busy
    assert (await first.close())[-1].final.review.decision == review_pb2.DECISION_UNSAFE


async def test_a_caller_who_goes_away_frees_everything(serve: Serve):
    """Law: a cancelled stream ends its decoding and is not charged; the next one is served."""
    purse = FakeCredits(default=30)
    media = MediaParts(decoder=ProcessVideoDecoder(workers=1))
    media.pictures.network.gate = asyncio.Event()
    running = await media_server(serve, media, balances=purse)
    stream = VideoStream(running)
    await stream.send(options(), *chunks(ordinary()))
    await stream.call.done_writing()
    await media.pictures.network.asked.wait()
    assert purse.balances == {"default": 20}
    stream.call.cancel()
    await until_in_progress(running, 0)
    assert media.pictures.network.cancelled.is_set()
    assert purse.balances == {"default": 30}
    media.pictures.network.gate.set()
    events = await watched(running, chunks(ordinary()))
    assert events[-1].final.review.decision == review_pb2.DECISION_UNSAFE
    assert purse.balances == {"default": 20}


async def test_streams_of_video_count_with_the_others(serve: Serve):
    """Law: a project has so many open streams and no more, of whatever kind."""
    running = await media_server(
        serve, options=GrpcServerOptions(port=0, max_open_streams_per_project=1)
    )
    await begun_live(running)
    second = VideoStream(running)
    failure = await failure_of(second.rest())
    assert failure.info.reason == "STREAM_LIMIT_EXCEEDED"

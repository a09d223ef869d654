"""What holds for calls holds for streams: keys, rates, places, sizes; and idle ones cost little."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from gavel.v1 import moderation_service_pb2
from google.rpc import error_details_pb2

from gaveld.application.api_keys import Authenticate
from gaveld.application.ports import RateLimit
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.credits import FakeCredits
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.grpc_stand import Running, Serve, failure_of
from tests.integration.stream_stand import (
    Stream,
    begun,
    in_progress,
    info_of,
    kinds,
    open_stream,
    part,
    turn,
    until_in_progress,
    words,
)
from tests.integration.test_grpc_auth import kept

MODERATE = moderation_service_pb2.ModerateTextRequest(text="hello")


async def test_a_stream_without_a_key_is_refused(serve: Serve):
    """Law: a stream needs the key that its service's calls need."""
    store = FakeApiKeyStore()
    running = await serve(reviewers=(words(),), authenticate=Authenticate(store))
    failure = await failure_of(open_stream(running).rest())
    assert failure.info.reason == "API_KEY_MISSING"
    wrong = (("x-api-key", "hunter2"),)
    failure = await failure_of(open_stream(running, metadata=wrong).rest())
    assert failure.info.reason == "API_KEY_INVALID"
    rich = (("x-api-key", await kept(store, project="shop")),)
    stream = await begun(running, call={"metadata": rich})
    await stream.send(turn("hello"))
    assert kinds(await stream.close()) == ["turn_review", "final"]


async def test_each_turn_counts_as_a_call(serve: Serve):
    """Law: opening costs one call and each turn one, in however many parts; the next is told when.

    A turn beyond the rate is refused by itself, and the stream goes on.
    """
    limiter, store = FakeRateLimiter(), FakeApiKeyStore()
    running = await serve(
        reviewers=(words(),), authenticate=Authenticate(store), rate_limiter=limiter
    )
    secret = await kept(store, project="shop", rate_limit=RateLimit(3))
    stream = await begun(running, call={"metadata": (("x-api-key", secret),)})
    await stream.send(turn("one", "a"))
    assert (await stream.event()).turn_review.turn_id == "a"
    await stream.send(part("The river "), part("runs "), part("past.", last=True))
    events = [await stream.event(), await stream.event()]
    assert kinds(events) == ["clearance", "turn_review"]
    await stream.send(part("One ", "b"), part("too many.", "b", last=True), turn("again", "c"))
    errors = [(await stream.event()).turn_error, (await stream.event()).turn_error]
    assert [entry.turn_id for entry in errors] == ["b", "c"]
    assert info_of(errors[0]).reason == "RATE_LIMIT_EXCEEDED"
    wait = error_details_pb2.RetryInfo()
    assert errors[0].error.details[1].Unpack(wait)
    limiter.now += 61
    await stream.send(turn("at last", "d"))
    assert (await stream.event()).turn_review.turn_id == "d"


async def test_each_turn_is_paid_for(serve: Serve):
    """Law: the first turn costs one review, the next two; one that can't be paid fails alone."""
    purse = FakeCredits(default=3)
    running = await serve(reviewers=(words(),), balances=purse)
    stream = await begun(running)
    await stream.send(turn("one"), turn("two"), turn("three"))
    events = await stream.close()
    assert kinds(events) == ["turn_review", "turn_review", "turn_error", "final"]
    assert info_of(events[2].turn_error).reason == "INSUFFICIENT_CREDITS"
    assert purse.balances == {"default": 0}


async def test_idle_streams_keep_nobody_out(serve: Serve):
    """Law: a stream takes a place while a turn is judged, and none while it is idle."""
    options = GrpcServerOptions(port=0, max_concurrent_calls=1, max_waiting_calls=0)
    running = await serve(reviewers=(words(),), options=options)
    streams = []
    for number in range(5):
        streams.append(await begun(running))
        await until_in_progress(running, number + 1)
        await streams[-1].send(turn("hello"))
        assert (await streams[-1].event()).turn_review.turn_id == "0"
    assert (await running.moderation.ModerateText(MODERATE)).request_id
    for stream in streams:
        await stream.send(turn("hello again"))
        assert (await stream.event()).turn_review.turn_id == "1"


async def test_a_turn_waits_for_a_place(serve: Serve):
    """Law: under load a stream waits its turn where a call would be shed, and loses nothing."""
    reviewer = words(gate=asyncio.Event())
    options = GrpcServerOptions(port=0, max_concurrent_calls=1, max_waiting_calls=0)
    running = await serve(reviewers=(reviewer,), options=options)
    first, second = await _two(running)
    await first.send(turn("one"))
    await reviewer.until_asked()
    failure = await failure_of(_awaited(running.moderation.ModerateText(MODERATE)))
    assert failure.info.reason == "SERVER_OVERLOADED"
    await second.send(turn("two"))
    reviewer.gate.set()
    assert (await first.event()).turn_review.turn_id == "0"
    assert (await second.event()).turn_review.turn_id == "0"


async def test_a_turn_that_waited_too_long_is_told(serve: Serve):
    """Law: a turn that finds no place as long as a call may take is refused with the reason."""
    reviewer = words(gate=asyncio.Event())
    options = GrpcServerOptions(
        port=0, max_concurrent_calls=1, max_waiting_calls=0, max_deadline_seconds=0.3
    )
    running = await serve(reviewers=(reviewer,), options=options)
    first, second = await _two(running)
    await first.send(turn("one"))
    await reviewer.until_asked()
    await second.send(turn("two"))
    error = (await second.event()).turn_error
    assert info_of(error).reason in {"SERVER_OVERLOADED", "REVIEWERS_UNAVAILABLE"}


async def _two(running: Running) -> tuple[Stream, Stream]:
    streams = []
    for number in (1, 2):
        streams.append(await begun(running))
        await until_in_progress(running, number)
    return streams[0], streams[1]


async def _awaited(call: object) -> object:
    return await call


async def test_a_stream_that_nobody_reads_takes_little(serve: Serve):
    """Law: while a turn is judged the caller is made to wait; what is read ahead has a bound."""
    running = await serve(reviewers=(words(gate=asyncio.Event()),))
    stream = await begun(running)
    written = 0
    with suppress(TimeoutError):
        while written < 8 << 20:
            async with asyncio.timeout(1):  # who is made to wait for good has met the bound
                await stream.send(turn("a" * 65_000))
            written += 65_000
    stream.call.cancel()
    assert written < 1 << 20


async def test_a_message_that_is_too_large_ends_the_stream(serve: Serve):
    """Law: the limit on messages holds for each message of a stream, after the good ones."""
    options = GrpcServerOptions(port=0, max_message_bytes=65_536)
    running = await serve(reviewers=(words(),), options=options)
    stream = await begun(running)
    await stream.send(turn("fine"), turn("x" * 65_536))
    assert (await stream.event()).turn_review.turn_id == "0"
    failure = await failure_of(stream.rest())
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE",
    )  # fmt: skip


@pytest.mark.parametrize("limit", ["max_open_streams", "max_open_streams_per_project"])
async def test_streams_have_a_limit(serve: Serve, limit: str):
    """Law: a stream beyond the limit is refused; one that ends makes room."""
    running = await serve(reviewers=(words(),), options=GrpcServerOptions(port=0, **{limit: 2}))
    streams = [await begun(running) for _ in range(2)]
    await until_in_progress(running, 2)
    failure = await failure_of(open_stream(running).rest())
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_LIMIT_EXCEEDED",
    )  # fmt: skip
    assert failure.info.metadata["limit"] == "2"
    await streams.pop().close()
    await until_in_progress(running, 1)
    again = await begun(running)
    await again.send(turn("hello"))
    assert kinds(await again.close()) == ["turn_review", "final"]


async def test_one_project_does_not_take_the_streams_of_another(serve: Serve):
    """Law: the limit of a project is its own."""
    store = FakeApiKeyStore()
    running = await serve(
        reviewers=(words(),),
        authenticate=Authenticate(store),
        options=GrpcServerOptions(port=0, max_open_streams_per_project=1),
    )
    ones, others = [
        (("x-api-key", await kept(store, project=project)),) for project in ("shop", "club")
    ]
    first = await begun(running, call={"metadata": ones})
    await first.send(turn("hello"))
    await first.event()
    failure = await failure_of(open_stream(running, metadata=ones).rest())
    assert failure.info.reason == "STREAM_LIMIT_EXCEEDED"
    stream = await begun(running, call={"metadata": others})
    await stream.send(turn("hello"))
    assert kinds(await stream.close()) == ["turn_review", "final"]


async def test_a_thousand_idle_streams_on_one_server(serve: Serve):
    """Promise: 1,000 streams that were answered stay open, and calls and turns are served."""
    running = await serve(reviewers=(words(),))
    count, of_each, at_once = 1_000, 100, 20
    async with AsyncExitStack() as stack:
        streams: list[Stream] = []
        for _ in range(count // of_each):
            own = [("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}", own)
            await stack.enter_async_context(channel)
            there = replace(running, channel=channel)
            for _ in range(of_each // at_once):  # opening them takes places, like any call
                batch = [await begun(there) for _ in range(at_once)]
                await asyncio.gather(*(_asked(stream) for stream in batch))
                streams += batch
        assert in_progress(running) == count
        assert (await running.moderation.ModerateText(MODERATE)).request_id
        await asyncio.gather(*(_asked(stream) for stream in streams[::50]))


async def _asked(stream: Stream) -> None:
    await stream.send(turn("hello"))
    assert (await stream.event()).WhichOneof("event") == "turn_review"

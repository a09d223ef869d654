"""How streams end against their caller's wish, or without a word; and what that frees."""

import asyncio
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import LogCapture

from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.credits import FakeCredits
from tests.integration.grpc_stand import Serve, failure_of
from tests.integration.stream_stand import (
    begun,
    info_of,
    kinds,
    open_stream,
    part,
    turn,
    until_in_progress,
    words,
)


async def test_a_drain_ends_idle_streams_at_once(serve: Serve):
    """Law: every open stream gets a final that says where to resume, and ends well."""
    running = await serve(reviewers=(words(),))
    idle, unopened = await begun(running), open_stream(running)
    await idle.send(turn("hello", "a"))
    assert (await idle.event()).turn_review.turn_id == "a"
    await until_in_progress(running, 2)
    draining = asyncio.create_task(running.server.drain(notice_seconds=0, grace_seconds=30))
    (last,) = await idle.rest()
    assert last.final.resumable
    assert (last.final.last_turn_id, last.final.turn_count) == ("a", 1)
    (last,) = await unopened.rest()
    assert last.final.resumable
    assert not last.final.HasField("review")
    await draining


async def test_a_drain_waits_for_the_turn_in_progress(serve: Serve):
    """Law: the turn that is being judged is answered first; those behind it are left to resume."""
    reviewer = words(gate=asyncio.Event())
    running = await serve(reviewers=(reviewer,))
    stream = await begun(running)
    await stream.send(turn("hello", "a"), turn("and", "b"))
    await reviewer.until_asked()
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status
    draining = asyncio.create_task(running.server.drain(notice_seconds=0, grace_seconds=30))
    while await watch.read() is not grpc.aio.EOF:  # watches end as streams begin to
        pass
    reviewer.gate.set()
    review, final = await stream.rest()
    assert review.turn_review.turn_id == final.final.last_turn_id == "a"
    assert final.final.resumable
    await draining


async def test_a_drain_gives_up_a_turn_that_outlives_it(serve: Serve):
    """Law: when most of the grace is over the turn is stopped, and the final tells the last one."""
    reviewer = words()
    running = await serve(reviewers=(reviewer,))
    stream = await begun(running)
    await stream.send(turn("hello", "a"))
    await stream.event()
    reviewer.gate = asyncio.Event()
    await stream.send(turn("slow", "b"))
    await reviewer.until_asked(2)
    await running.server.drain(notice_seconds=0, grace_seconds=0.5)
    (final,) = await stream.rest()
    assert (final.final.last_turn_id, final.final.resumable) == ("a", True)
    assert reviewer.cancelled == 2


async def test_a_deadline_ends_a_stream_with_its_last_turn(serve: Serve):
    """Law: shortly before the caller's deadline comes a final to resume after, idle or busy."""
    reviewer = words()
    running = await serve(reviewers=(reviewer,))
    idle = await begun(running, call={"timeout": 0.5})
    await idle.send(turn("hello", "a"), part("still open"))
    events = await idle.rest()
    assert kinds(events) == ["turn_review", "final"]
    assert (events[-1].final.last_turn_id, events[-1].final.resumable) == ("a", True)
    busy = await begun(running, call={"timeout": 0.5})
    reviewer.gate = asyncio.Event()
    await busy.send(turn("hello", "a"))
    (final,) = await busy.rest()
    assert (final.final.last_turn_id, final.final.resumable) == ("", True)
    assert await busy.call.code() is grpc.StatusCode.OK


async def test_an_old_stream_is_ended(serve: Serve):
    """Law: no stream outlives the server's greatest age, however it is used."""
    options = GrpcServerOptions(port=0, max_stream_age_seconds=0.2)
    running = await serve(reviewers=(words(),), options=options)
    (final,) = await (await begun(running)).rest()
    assert final.final.resumable


async def test_options_that_do_not_come_end_the_stream(serve: Serve):
    """Law: whoever opens a stream and says nothing is shown out after a call's longest time."""
    options = GrpcServerOptions(port=0, max_deadline_seconds=0.05)
    running = await serve(reviewers=(words(),), options=options)
    failure = await failure_of(open_stream(running).rest())
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
    )  # fmt: skip


@pytest.mark.parametrize("what", ["turn", "piece", "idle"])
async def test_a_caller_who_goes_away_frees_everything(serve: Serve, what: str):
    """Law: a cancelled stream stops its reviewers, leaves the counts and gives back its place."""
    reviewer = words(gate=asyncio.Event())
    options = GrpcServerOptions(port=0, max_concurrent_calls=1, max_open_streams=1)
    running = await serve(reviewers=(reviewer,), options=options)
    stream = await begun(running)
    if what != "idle":
        await stream.send(turn("hi") if what == "turn" else part("The river runs past."))
        await reviewer.until_asked()
    else:
        await until_in_progress(running, 1)
    stream.call.cancel()
    await until_in_progress(running, 0)
    assert reviewer.cancelled == (0 if what == "idle" else 1)
    assert await stream.call.code() is grpc.StatusCode.CANCELLED
    reviewer.gate.set()
    again = await begun(running)
    await again.send(turn("hi", "b"))
    assert (await again.event()).turn_review.turn_id == "b"


async def test_a_connection_that_breaks_frees_everything(serve: Serve):
    """Law: a caller whose connection is gone is gone."""
    reviewer = words(gate=asyncio.Event())
    running = await serve(reviewers=(reviewer,))
    address = f"127.0.0.1:{running.ports.grpc}"
    async with grpc.aio.insecure_channel(address) as channel:
        stream = await begun(replace(running, channel=channel))
        await stream.send(turn("hi"))
        await reviewer.until_asked()
    await until_in_progress(running, 0)
    assert reviewer.cancelled == 1


async def test_a_failure_of_the_server_is_told_of_its_turn_alone(serve: Serve, logs: LogCapture):
    """Law: a defect costs one turn; the caller gets its request id and the log gets the place."""
    purse = BrokenPurse()
    running = await serve(reviewers=(words(),), balances=purse)
    stream = await begun(running, request_id="r-1")
    await stream.send(turn("canary", "a"))
    error = (await stream.event()).turn_error
    assert error.error.code == grpc.StatusCode.INTERNAL.value[0]
    assert info_of(error).metadata["request_id"] == "r-1"
    assert "canary" not in str(error)
    purse.is_broken = False
    await stream.send(turn("fine", "b"))
    assert (await stream.event()).turn_review.turn_id == "b"
    (line,) = [entry for entry in logs.entries if entry["event"] == "turn failed"]
    assert "test_grpc_stream_ends" in line["cause"]
    assert (line["request_id"], "canary" in str(logs.entries)) == ("r-1", False)


class BrokenPurse(FakeCredits):
    """Credits with a defect."""

    is_broken = True

    async def spend(self, project: str, amount: int) -> int | None:
        if self.is_broken:
            raise ValueError("canary")
        return await super().spend(project, amount)

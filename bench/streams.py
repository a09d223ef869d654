"""What a stream costs: turns early and late, chunks of a text, verdicts, and doing nothing.

Each figure stands beside one of the same run: turn 1,000 beside turn 10, a text in chunks beside
the same text at once, the verdict on a sentence beside a unary call with it. The panel is the
embedded one, so that nothing is asked of the network.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, NamedTuple, cast

import grpc.aio
from gavel.v1.compliance_service_pb2 import ReviewTextRequest
from gavel.v1.compliance_service_pb2_grpc import ComplianceServiceStub
from gavel.v1.compliance_stream_pb2 import (
    STREAM_KIND_MODEL_OUTPUT,
    PartialTurn,
    StreamConversationOptions,
    StreamConversationRequest,
    StreamConversationResponse,
)
from gavel.v1.content_pb2 import Turn
from gavel.v1.verdict_pb2 import ACTION_BLOCK
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from bench.samples import SHORT
from bench.servers import Processes, Server, gavel_server
from gaveld.domain.conversations import LEAST_SHOWN, MOST_SHOWN

PLACES: Final = (10, 30, 100, 1_000)
"""Turns whose cost is shown,"""
AROUND: Final = 24
"""each as the mean of so many from there on, beside turns 10 to 13 of as many streams."""
WINDOW_STEP: Final = MOST_SHOWN - LEAST_SHOWN + 1
CHUNK_CHARACTERS: Final = 4
"""About one token of a language model."""
IDLE_STREAMS: Final = 1_000
STREAMS_A_CHANNEL: Final = 100
OPENED_AT_ONCE: Final = 10
HARM: Final = "I will find you and then I will kill you."
VERDICTS: Final = 30
READY_SECONDS: Final = 120
ENGLISH: Final = SHORT[:-1]

Request = StreamConversationRequest
Options = StreamConversationOptions


class Stream:
    """One open stream."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        # The stubs want requests at once; here they are written as they come.
        self._call: Any = cast("Any", ComplianceServiceStub(channel)).StreamConversation()

    async def send(self, request: StreamConversationRequest) -> None:
        """Write one message."""
        await self._call.write(request)

    async def event(self) -> StreamConversationResponse:
        """Return the next event."""
        read: StreamConversationResponse = await self._call.read()
        return read

    async def turn(self, text: str) -> StreamConversationResponse:
        """Say a turn and return what it comes to."""
        await self.send(Request(turn=Turn(text=text)))
        return await self.event()

    async def part(self, text: str, turn_id: str, *, last: bool = False) -> None:
        """Write a part of a turn."""
        await self.send(Request(partial_turn=PartialTurn(turn_id=turn_id, text=text, last=last)))

    async def close(self) -> None:
        """End the stream."""
        await self._call.done_writing()
        while (await self.event()).WhichOneof("event") != "final":
            pass

    async def review_of(self, turn_id: str) -> StreamConversationResponse:
        """Return the review of a turn; clearances before it are passed over."""
        while True:
            event = await self.event()
            if event.turn_review.turn_id == turn_id:
                return event


class Cost(NamedTuple):
    """What something took: seconds on the clock and of the server's processors."""

    wall: float
    cpu: float


def main(console: Console) -> None:
    """Run the benchmark and print its tables."""
    with gavel_server({"GAVEL_CACHE__MAX_BYTES": "0"}) as server:
        asyncio.run(_measured(console, server))


async def _measured(console: Console, server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        await _ready(channel)
        await _opened(channel)  # what is loaded at the first use is nobody's cost
        console.print(await _turns(channel, server.processes))
        console.print(await _chunks(channel, server.processes))
        console.print(await _verdicts(channel))
    console.print(await _idle(server))


async def _ready(channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    async with asyncio.timeout(READY_SECONDS):
        async for answer in watch:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break
    watch.cancel()


async def _opened(channel: grpc.aio.Channel, options: Options | None = None) -> Stream:
    stream = Stream(channel)
    await stream.send(Request(options=options or Options()))
    await stream.turn("hello")
    return stream


async def _cost(processes: Processes, work: Callable[[], Awaitable[object]]) -> Cost:
    cpu, wall = processes.cpu_seconds(), time.monotonic()
    await work()
    return Cost(time.monotonic() - wall, processes.cpu_seconds() - cpu)


async def _turns(channel: grpc.aio.Channel, processes: Processes) -> Table:
    """Time turns of one long stream, each beside turn 10 to 13 of a stream that is new.

    The window begins anew every fourth turn, so that one turn of four costs more than the others.
    """
    stream = await _opened(channel)
    texts, said = _texts(), 1
    table = Table(
        "turn of one stream", "ms, mean", "turn 10–13 of others, ms", "ratio", "CPU ratio"
    )
    for place in PLACES:
        while said < place - 1:
            await stream.turn(next(texts))
            said += 1
        own: list[Cost] = []
        others: list[Cost] = []
        for _ in range(AROUND):
            other = await _opened(channel)
            for _ in range(PLACES[0] - 2 + (said + 1 - PLACES[0]) % WINDOW_STEP):
                await other.turn(next(texts))
            for each, costs in ((stream, own), (other, others)):
                text = next(texts)
                costs.append(await _cost(processes, partial(each.turn, text)))
            said += 1
            await other.close()
        wall, beside = (mean(cost.wall for cost in costs) for costs in (own, others))
        cpu = sum(cost.cpu for cost in own) / sum(cost.cpu for cost in others)
        table.add_row(
            f"{place:,}",
            f"{wall * 1e3:.1f}",
            f"{beside * 1e3:.1f}",
            f"{wall / beside:.2f}",
            f"{cpu:.2f}",
        )
    return table


async def _chunks(channel: grpc.aio.Channel, processes: Processes) -> Table:
    text = "".join(f"{number} of the old mills by the river grind flour. " for number in range(60))
    chunks = [
        text[start : start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)
    ]
    stream = await _opened(channel, Options(kind=STREAM_KIND_MODEL_OUTPUT))

    length = cleared = 0

    async def written(parts: list[str]) -> None:
        # Each sentence is judged before the next is written, so that nothing waits.
        nonlocal length, cleared
        for part in parts:
            await stream.part(part, "m")
            before, length = length, length + len(part)
            while before + part.find(".") + 1 > max(before, cleared):
                cleared = (await stream.event()).clearance.cleared_utf16_offset

    async def ended() -> None:
        await stream.part("", "m", last=True)
        await stream.review_of("m")

    async def at_once() -> None:
        await stream.send(Request(turn=Turn(text=text, id="whole")))
        await stream.review_of("whole")

    tenth = len(chunks) // 10
    early = await _cost(processes, lambda: written(chunks[:tenth]))
    middle = await _cost(processes, lambda: written(chunks[tenth:-tenth]))
    late = await _cost(processes, lambda: written(chunks[-tenth:]))
    end = await _cost(processes, ended)
    whole = await _cost(processes, at_once)
    every = Cost(early.wall + middle.wall + late.wall, early.cpu + middle.cpu + late.cpu)
    table = Table(f"{len(text):,} characters", "chunks", "ms a chunk", "CPU ms a chunk", "CPU ms")
    rows = (("the first tenth", early, tenth), ("the last tenth", late, tenth),
            ("all of them", every, len(chunks)), ("the end, with the conversation", end, 1),
            ("the same as one turn", whole, 1))  # fmt: skip
    for name, cost, count in rows:
        table.add_row(
            name,
            f"{count:,}",
            f"{cost.wall / count * 1e3:.2f}",
            f"{cost.cpu / count * 1e3:.2f}",
            f"{cost.cpu * 1e3:.0f}",
        )
    return table


async def _verdicts(channel: grpc.aio.Channel) -> Table:
    stub = ComplianceServiceStub(channel)
    streamed: list[float] = []
    called: list[float] = []
    for number in range(VERDICTS):
        stream = await _opened(channel, Options(kind=STREAM_KIND_MODEL_OUTPUT))
        harm = f"{number + 100} times: {HARM}"
        for letter in range(0, len(harm) - 1, CHUNK_CHARACTERS):
            await stream.part(harm[letter : min(letter + CHUNK_CHARACTERS, len(harm) - 1)], "m")
        started = time.monotonic()
        await stream.part(harm[-1], "m")
        while (await stream.event()).clearance.action != ACTION_BLOCK:
            pass
        streamed.append(time.monotonic() - started)
        started = time.monotonic()
        await stub.ReviewText(ReviewTextRequest(content=f"{number + 500} times: {HARM}"))
        called.append(time.monotonic() - started)
    table = Table(
        "from the last character of a harmful sentence", "ms, median", "ms, worst", "ratio"
    )
    for name, taken in (("its verdict on the stream", streamed), ("ReviewText with it", called)):
        ratio = median(taken) / median(called)
        middle, worst = median(taken) * 1e3, max(taken) * 1e3
        table.add_row(name, f"{middle:.1f}", f"{worst:.1f}", f"{ratio:.2f}")
    return table


async def _idle(server: Server) -> Table:
    table = Table("idle streams", "server's memory MiB", "KiB a stream", "ms a call meanwhile")
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        before, streams = _memory_bytes(server.processes), 0
        table.add_row("0", f"{before / 2**20:.0f}", "", f"{await _call(first) * 1e3:.1f}")
        opened: list[Stream] = []
        while streams < IDLE_STREAMS:
            own = [("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(server.address, own)
            await stack.enter_async_context(channel)
            for _ in range(STREAMS_A_CHANNEL // OPENED_AT_ONCE):
                opened += await asyncio.gather(*(_opened(channel) for _ in range(OPENED_AT_ONCE)))
            streams = len(opened)
        now = _memory_bytes(server.processes)
        each = (now - before) / streams / 1024
        meanwhile = f"{await _call(first) * 1e3:.1f}"
        table.add_row(f"{streams:,}", f"{now / 2**20:.0f}", f"{each:.0f}", meanwhile)
    return table


async def _call(channel: grpc.aio.Channel) -> float:
    stub, taken = ComplianceServiceStub(channel), []
    for text in ENGLISH:
        started = time.monotonic()
        await stub.ReviewText(ReviewTextRequest(content=text))
        taken.append(time.monotonic() - started)
    return median(taken)


def _memory_bytes(processes: Processes) -> int:
    pages = int(Path(f"/proc/{processes.first}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _texts() -> Iterator[str]:
    """Give ordinary turns of one length, no two the same."""
    number = 0
    while True:
        number += 1
        yield f"{number:05} good morning everyone, did the parcel arrive at the office?"

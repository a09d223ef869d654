"""Judging many texts over a real connection to a server that is busy, gone or unwilling."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import grpc.aio
import pytest
from gavel.v1 import moderation_service_pb2, moderation_service_pb2_grpc

from gaveld.bootstrap.evaluation.judging import BATCH_TEXTS, Judgement, Refusal, judge_texts

TEXTS = [f"text {number}" for number in range(BATCH_TEXTS + 1)]


class TurnsAway(moderation_service_pb2_grpc.ModerationServiceServicer):
    """Fails the first calls with a code, then answers; the text "text 3" alone is refused."""

    def __init__(self, code: grpc.StatusCode, times: int) -> None:
        self.code, self.times, self.calls = code, times, 0

    async def BatchModerateText(self, request, context):  # noqa: N802 # the contract's name
        self.calls += 1
        if self.calls <= self.times:
            await context.abort(self.code, "busy")
        answer = moderation_service_pb2.BatchModerateTextResponse()
        for entry in request.requests:
            result = answer.results.add()
            if entry.text == "text 3":
                result.error.message = "not this one"
            else:
                result.response.category_scores["H1"] = int(entry.text.split()[1]) / 100
        return answer


@pytest.fixture
async def channel_of(tmp_path: Path) -> AsyncIterator[Callable]:
    """Serve a servicer on a socket and give a channel to it."""
    async with AsyncExitStack() as stack:

        async def connect(servicer: TurnsAway) -> grpc.aio.Channel:
            server = grpc.aio.server()
            moderation_service_pb2_grpc.add_ModerationServiceServicer_to_server(servicer, server)
            server.add_insecure_port(f"unix:{tmp_path}/socket")
            await server.start()
            stack.push_async_callback(server.stop, None)
            return await stack.enter_async_context(
                grpc.aio.insecure_channel(f"unix:{tmp_path}/socket")
            )

        yield connect


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"])
async def test_a_busy_server_is_asked_again(channel_of, code: str):
    """Law: no text is lost or judged twice because the server was busy for a while."""
    servicer = TurnsAway(grpc.StatusCode[code], 2)
    done: list[int] = []
    judged = await judge_texts(await channel_of(servicer), (), TEXTS, done.append, (0, 0))
    assert done == [BATCH_TEXTS, 1]
    assert servicer.calls == 4
    assert judged.results[3] == Refusal("not this one")
    scores = [entry.category_scores["H1"] for entry in judged.results if type(entry) is Judgement]
    assert scores == [number / 100 for number in range(len(TEXTS)) if number != 3]


@pytest.mark.parametrize(
    ("code", "calls"), [("RESOURCE_EXHAUSTED", 3), ("UNAUTHENTICATED", 1), ("INTERNAL", 1)]
)
async def test_patience_has_an_end(channel_of, code: str, calls: int):
    """Law: what will not pass is raised at once, and what might after the last wait."""
    servicer = TurnsAway(grpc.StatusCode[code], 99)
    channel = await channel_of(servicer)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await judge_texts(channel, (), TEXTS, lambda count: None, (0, 0))
    assert caught.value.code() is grpc.StatusCode[code]
    assert servicer.calls == calls

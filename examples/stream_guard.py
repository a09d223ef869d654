"""Guards what a language model writes, token by token: shows no more than Gavel has cleared.

The model is simulated and its answers are below; everything else is as in a real client, which
needs nothing but the package ``gavel-api``. ``StreamGuard`` is the part to take along.

    python examples/stream_guard.py --address 127.0.0.1:50051
"""

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, cast

import grpc
import grpc.aio
from gavel.service_config import channel_options
from gavel.v1.compliance_service_pb2_grpc import ComplianceServiceStub
from gavel.v1.compliance_stream_pb2 import (
    STREAM_KIND_MODEL_OUTPUT,
    ConversationSummary,
    PartialTurn,
    StreamConversationOptions,
    StreamConversationRequest,
    StreamConversationResponse,
)
from gavel.v1.content_pb2 import Turn
from gavel.v1.verdict_pb2 import ACTION_BLOCK, Finding

DIALOGUE: Final = (
    (
        "How often should I water a cactus?",
        (
            "About every two weeks in summer 🌵, and hardly at all in winter. "
            "Let the soil dry out in between! "
            "A cactus that stands in water rots from below, and nobody sees it until it tips over."
        ),
    ),
    (
        "Write the last letter of the villain in my play.",
        (
            "My dear inspector, you have looked for me in every harbour of the north. "
            "I was never far away. "
            "I know where you live, and tonight I will come and kill you and your children. "
            "Leave the lamp on, so that I find the stairs."
        ),
    ),
    (
        "Then rather tell me what a stage manager does.",
        (
            "She runs the show from the wings: lights, sound, curtains and nerves. "
            "Every cue is in her book, about 300 of them in a long play. "
            "When the actors bow she is already counting the props."
        ),
    ),
)
"""What a person says, and what the simulated model answers; its second answer goes wrong."""


class NotCheckedError(Exception):
    """The server did not judge a turn, so that nothing more of it may be shown."""


@dataclass
class Draft:
    """What the model has written of one answer, and how much of it was shown."""

    written: str = ""
    shown_units: int = 0
    most_held_back: int = 0
    stopped_by: list[Finding] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def shown(self) -> str:
        """What may be seen; offsets of the contract are in UTF-16 code units."""
        return self._up_to(self.shown_units)

    def write(self, token: str) -> None:
        """Take what the model wrote."""
        self.written += token
        self.most_held_back = max(self.most_held_back, len(self.written) - len(self.shown))

    def clear(self, units: int) -> str:
        """Return what may be shown now and wasn't before."""
        before, self.shown_units = len(self.shown), units
        return self.shown[before:]

    def _up_to(self, units: int) -> str:
        return self.written.encode("utf-16-le")[: 2 * units].decode("utf-16-le")


class StreamGuard:
    """One conversation with a language model, on one stream."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        # grpc's stubs want all requests at once; here they are written as they come.
        self._call: Any = cast("Any", ComplianceServiceStub(channel)).StreamConversation()

    async def open(self) -> None:
        """Say what the stream is: a dialogue whose answers come in parts."""
        options = StreamConversationOptions(kind=STREAM_KIND_MODEL_OUTPUT)
        await self._call.write(StreamConversationRequest(options=options))

    async def may_answer(self, turn_id: str, text: str) -> bool:
        """Send what a person said, and return whether the model may be asked."""
        turn = Turn(id=turn_id, role="user", text=text)
        await self._call.write(StreamConversationRequest(turn=turn))
        while True:
            event = await self._event(turn_id)
            if event.turn_review.turn_id == turn_id:
                return event.turn_review.action != ACTION_BLOCK

    async def let_through(
        self, turn_id: str, tokens: AsyncGenerator[str, None], draft: Draft
    ) -> AsyncIterator[str]:
        """Send the model's tokens as they come, and yield what may be shown, as soon as it may.

        Ends when all was judged, or when nothing more will be cleared, and then stops the model.
        Raises ``NotCheckedError`` where the answer could not be judged, and what the model raises.
        """
        writing = asyncio.create_task(self._write(turn_id, tokens, draft))
        try:
            while True:
                event = await self._event(turn_id)
                if event.turn_review.turn_id == turn_id:  # all of it was judged
                    break
                clearance = event.clearance
                if clearance.turn_id != turn_id:
                    continue
                if cleared := draft.clear(clearance.cleared_utf16_offset):
                    yield cleared
                draft.stopped_by.extend(clearance.findings)
                if clearance.action == ACTION_BLOCK:
                    draft.is_stopped = True
                    break
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        if not writing.cancelled():
            writing.result()

    async def close(self) -> ConversationSummary:
        """Say that nothing more comes, and return what the conversation came to."""
        await self._call.done_writing()
        while True:
            event = await self._event("")
            if event.HasField("final"):
                return event.final

    async def _write(self, turn_id: str, tokens: AsyncGenerator[str, None], draft: Draft) -> None:
        try:
            async with aclosing(tokens):
                async for token in tokens:
                    draft.write(token)
                    await self._send(PartialTurn(turn_id=turn_id, text=token))
        finally:  # however it ended, what was written is judged to its end
            await self._send(PartialTurn(turn_id=turn_id, last=True))

    async def _send(self, part: PartialTurn) -> None:
        request = StreamConversationRequest(partial_turn=part)
        writing = asyncio.ensure_future(self._call.write(request))
        try:
            await asyncio.shield(writing)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise NotCheckedError("the stream broke") from error
        except asyncio.CancelledError:  # a write that is cancelled would end the whole stream
            await writing
            raise

    async def _event(self, turn_id: str) -> StreamConversationResponse:
        """Return the next event. Whoever waits for a turn gets no event that is its failure."""
        try:
            event = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise NotCheckedError("the stream broke") from error
        if not isinstance(event, StreamConversationResponse):
            raise NotCheckedError("the stream is over")
        if turn_id and event.turn_error.turn_id == turn_id:
            raise NotCheckedError(event.turn_error.error.message)
        if turn_id and event.HasField("final"):
            raise NotCheckedError("the server ended the stream")
        return event


async def simulated_model(answer: str, seconds_a_token: float) -> AsyncGenerator[str, None]:
    """Write an answer as a language model would: a few characters at a time."""
    for token in re.findall(r".{1,4}", answer, re.DOTALL):
        await asyncio.sleep(seconds_a_token)
        yield token


async def talk(guard: StreamGuard, seconds_a_token: float) -> None:
    """Have the dialogue, and print what a person would see and what happened behind it."""
    await guard.open()
    for number, (question, answer) in enumerate(DIALOGUE, 1):
        print(f"user       {question}")
        if not await guard.may_answer(f"question-{number}", question):
            print("           [the question was blocked; the model was not asked]\n")
            continue
        draft = Draft()
        tokens = simulated_model(answer, seconds_a_token)
        line = ""
        async for cleared in guard.let_through(f"answer-{number}", tokens, draft):
            line += cleared
            if line.strip():
                print(f"assistant  {line.strip()}", flush=True)
                line = ""
        print(f"           [{outcome(draft)}]\n")
    summary = await guard.close()
    print(f"{summary.turn_count} turns were judged. {summary.review.reason}")


def outcome(draft: Draft) -> str:
    """Say in words what became of an answer."""
    if not draft.is_stopped:
        return (
            f"all of {len(draft.written)} characters shown; "
            f"at most {draft.most_held_back} were held back at a time"
        )
    reasons = dict.fromkeys(f"{entry.category_id}: {entry.reason}" for entry in draft.stopped_by)
    return (
        f"stopped after {len(draft.shown)} characters; the model had written "
        f"{len(draft.written) - len(draft.shown)} more, which were never shown. "
        + " ".join(reasons)
    )


async def main() -> None:
    """Talk over one stream."""
    parser = argparse.ArgumentParser(description="Guard a simulated language model's answers.")
    parser.add_argument("--address", default="127.0.0.1:50051", help="where Gavel listens")
    parser.add_argument("--pace", type=float, default=0.02, help="seconds a token")
    arguments = parser.parse_args()
    async with grpc.aio.insecure_channel(arguments.address, channel_options()) as channel:
        try:
            await talk(StreamGuard(channel), arguments.pace)
        except NotCheckedError as error:
            sys.exit(f"Not checked, and so not shown: {error}.")
        except grpc.aio.AioRpcError as error:
            sys.exit(f"Not checked, and so not shown: {error.code().name}, {error.details()}")


if __name__ == "__main__":
    asyncio.run(main())

"""What the tests of streams stand on: messages, an open stream, and what came of it."""

from collections.abc import Sequence

import grpc.aio
from gavel.v1 import compliance_stream_pb2 as api
from gavel.v1.content_pb2 import Turn
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Running

Request = api.StreamConversationRequest
Options = api.StreamConversationOptions
WORDS = {"kill": ("H3", 5.0), "darn": ("L1", 3.0)}


def options(**fields: object) -> api.StreamConversationRequest:
    """Return the first message of a stream."""
    return Request(options=Options(**fields))


def turn(text: str, turn_id: str = "", **fields: object) -> api.StreamConversationRequest:
    """Return a complete turn."""
    return Request(turn=Turn(id=turn_id, text=text, **fields))


def part(
    text: str, turn_id: str = "m", *, last: bool = False, **fields: object
) -> api.StreamConversationRequest:
    """Return a part of a turn."""
    return Request(partial_turn=api.PartialTurn(turn_id=turn_id, text=text, last=last, **fields))


class Stream:
    """An open stream, to write to and to read from."""

    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self.call = call

    async def send(self, *requests: api.StreamConversationRequest) -> None:
        for request in requests:
            await self.call.write(request)

    async def event(self) -> api.StreamConversationResponse | None:
        """Return the next event; None at the end. Raises what ended the stream."""
        read = await self.call.read()
        return None if read is grpc.aio.EOF else read

    async def rest(self) -> list[api.StreamConversationResponse]:
        """Return the events up to the end."""
        events = []
        while (event := await self.event()) is not None:
            events.append(event)
        return events

    async def close(self) -> list[api.StreamConversationResponse]:
        """Close the sending side, and return the events up to the end."""
        await self.call.done_writing()
        return await self.rest()


def open_stream(running: Running, **call: object) -> Stream:
    """Open a stream without sending anything."""
    return Stream(running.compliance.StreamConversation(**call))


async def begun(running: Running, *, call: dict | None = None, **fields: object) -> Stream:
    """Open a stream with these options."""
    stream = open_stream(running, **(call or {}))
    await stream.send(options(**fields))
    return stream


async def talked(
    running: Running, *requests: api.StreamConversationRequest, **fields: object
) -> list[api.StreamConversationResponse]:
    """Return the events of a whole stream."""
    stream = await begun(running, **fields)
    await stream.send(*requests)
    return await stream.close()


def kinds(events: Sequence[api.StreamConversationResponse]) -> list[str | None]:
    """Return what each event is."""
    return [event.WhichOneof("event") for event in events]


def info_of(error: api.TurnError) -> error_details_pb2.ErrorInfo:
    """Return the reason of a turn's error."""
    info = error_details_pb2.ErrorInfo()
    assert error.error.details[0].Unpack(info)
    return info


def fields_of(error: api.TurnError) -> list[str]:
    """Return the fields that a turn's error names."""
    bad = error_details_pb2.BadRequest()
    return [
        entry.field
        for detail in error.error.details
        if detail.Unpack(bad)
        for entry in bad.field_violations
    ]


def words(**kwargs: object) -> FakeReviewer:
    """Return a reviewer that flags words."""
    return FakeReviewer("words", WORDS, **kwargs)


async def until_in_progress(running: Running, streams: int) -> None:
    """Return when exactly so many streams are in progress."""
    stub = health_pb2_grpc.HealthStub(running.channel)
    while in_progress(running) != streams:
        await stub.Check(health_pb2.HealthCheckRequest())


def in_progress(running: Running) -> float:
    """Return how many streams the server counts as in progress."""
    return running.metric(
        "gavel_server_in_flight_calls",
        grpc_type="bidi_stream",
        grpc_service="gavel.v1.ComplianceService",
        grpc_method="StreamConversation",
    )

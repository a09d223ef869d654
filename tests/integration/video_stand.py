"""What the tests of streamed video stand on: messages, an open stream, and what came of it."""

from collections.abc import Iterable, Sequence

import grpc.aio
from gavel.v1 import compliance_stream_pb2 as api
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.embedded_panel import Panel
from tests.integration.grpc_stand import Running, Serve
from tests.media_house import POLICY, MediaParts

Request = api.StreamVideoRequest
LIVE = api.VIDEO_INPUT_LIVE_FRAMES


async def media_server(serve: Serve, media: MediaParts | None = None, **kwargs: object) -> Running:
    """A server with the embedded panel over fakes, and a policy that blocks what is red."""
    return await serve(
        **{
            "reviewers": Panel().reviewers,
            "policy": POLICY,
            "media": media or MediaParts(),
            **kwargs,
        }
    )


def options(**fields: object) -> api.StreamVideoRequest:
    """The first message of a stream."""
    return Request(options=api.StreamVideoOptions(**fields))


def chunks(data: bytes, size: int = 1 << 16) -> list[api.StreamVideoRequest]:
    """A file in chunks."""
    return [Request(chunk=data[at : at + size]) for at in range(0, len(data), size)]


def live(jpeg: bytes, seconds: float) -> api.StreamVideoRequest:
    """A live frame."""
    offset = Duration(nanos=round(seconds * 1e9) % 10**9, seconds=int(seconds))
    return Request(frame=api.LiveFrame(jpeg=jpeg, offset=offset))


class VideoStream:
    """An open stream, to write to and to read from."""

    def __init__(self, running: Running, **call: object) -> None:
        self.call = running.compliance.StreamVideo(**call)

    async def send(self, *requests: api.StreamVideoRequest) -> None:
        for request in requests:
            await self.call.write(request)

    async def event(self) -> api.StreamVideoResponse | None:
        """The next event; None at the end. Raises what ended the stream."""
        read = await self.call.read()
        return None if read is grpc.aio.EOF else read

    async def until(self, kind: str) -> api.StreamVideoResponse:
        """The next event of a kind."""
        while (event := await self.event()) is not None:
            if event.WhichOneof("event") == kind:
                return event
        raise AssertionError(f"there was no {kind}")

    async def rest(self) -> list[api.StreamVideoResponse]:
        """The events up to the end."""
        events = []
        while (event := await self.event()) is not None:
            events.append(event)
        return events

    async def close(self) -> list[api.StreamVideoResponse]:
        """Close the sending side, and return the events up to the end."""
        await self.call.done_writing()
        return await self.rest()


async def watched(
    running: Running, requests: Iterable[api.StreamVideoRequest], **fields: object
) -> list[api.StreamVideoResponse]:
    """The events of a whole stream."""
    stream = VideoStream(running)
    await stream.send(options(**fields), *requests)
    return await stream.close()


def findings(events: Sequence[api.StreamVideoResponse]) -> list:
    """The findings among the events."""
    return [event.finding for event in events if event.WhichOneof("event") == "finding"]


def progress(events: Sequence[api.StreamVideoResponse]) -> list:
    """How far it was, each time."""
    return [event.progress for event in events if event.WhichOneof("event") == "progress"]


def span(finding) -> tuple[float, float]:
    """From when to when something is found, in seconds."""
    start, end = finding.time_range.start, finding.time_range.end
    return start.seconds + start.nanos / 1e9, end.seconds + end.nanos / 1e9


async def until_in_progress(running: Running, streams: int) -> None:
    """Return when exactly so many streams are in progress."""
    stub = health_pb2_grpc.HealthStub(running.channel)
    while _in_progress(running) != streams:
        await stub.Check(health_pb2.HealthCheckRequest())


def _in_progress(running: Running) -> float:
    return running.metric(
        "gavel_server_in_flight_calls",
        grpc_type="bidi_stream",
        grpc_service="gavel.v1.ComplianceService",
        grpc_method="StreamVideo",
    )

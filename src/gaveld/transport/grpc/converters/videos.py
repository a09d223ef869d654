"""From the messages of a stream of video to what is fed or shown, and from its news back."""

from typing import Final

from gavel.v1 import compliance_stream_pb2 as wire

from gaveld.application.moderate_video import VideoOpening
from gaveld.application.video_in_progress import VideoNews, VideoProgress, VideoSummary
from gaveld.domain.actions import Action
from gaveld.transport.grpc.converters.images import facts_to_proto
from gaveld.transport.grpc.converters.judgements import ACTIONS, duration_to_proto
from gaveld.transport.grpc.converters.reviews import review_to_proto, wishes_from_proto
from gaveld.transport.grpc.converters.seen_findings import seen_finding_to_proto
from gaveld.transport.grpc.converters.submissions import overrides_from_proto
from gaveld.transport.grpc.errors import Refusal, RefusedError, Violation
from gaveld.transport.grpc.interceptors.validation import validate
from gaveld.transport.grpc.open_stream import protocol

CHUNK: Final = "chunk"
FRAME: Final = "frame"


def video_opening_from_proto(options: wire.StreamVideoOptions) -> VideoOpening:
    """Return what a stream wants. Raises ``InvalidRequest`` that names the field."""
    return VideoOpening(wishes_from_proto(options), overrides_from_proto(options))


def is_live(options: wire.StreamVideoOptions) -> bool:
    """Whether single frames come, and not a file."""
    return options.input == wire.VIDEO_INPUT_LIVE_FRAMES


def chunk_from_proto(request: wire.StreamVideoRequest) -> bytes:
    """Return the next piece of a file. Raises a refusal of anything else."""
    _check(request, CHUNK, "The options say that a file comes, in chunks.")
    return request.chunk


def frame_from_proto(request: wire.StreamVideoRequest) -> tuple[bytes, float]:
    """Return the next live frame and its time in seconds. Raises a refusal of anything else."""
    _check(request, FRAME, "The options say that live frames come.")
    offset = request.frame.offset
    return request.frame.jpeg, offset.seconds + offset.nanos / 1e9


def news_to_proto(news: VideoNews) -> wire.StreamVideoResponse:
    """Return what is told on the way."""
    if isinstance(news, VideoProgress):
        progress = wire.VideoProgress(
            judged=duration_to_proto(news.judged_seconds),
            received_bytes=news.received_bytes,
            judged_frame_count=news.judged_frame_count,
            waiting_for_index=news.is_waiting_for_index,
        )
        return wire.StreamVideoResponse(progress=progress)
    return wire.StreamVideoResponse(finding=seen_finding_to_proto(news, {}))


def video_summary_to_proto(
    summary: VideoSummary | None, verbose: int, request_id: str
) -> wire.StreamVideoResponse:
    """Return the end of a stream; a person should see to one of which nothing was judged."""
    if summary is None:
        nothing = wire.VideoSummary(action=ACTIONS[Action.REVIEW], request_id=request_id)
        return wire.StreamVideoResponse(final=nothing)
    final = wire.VideoSummary(
        review=review_to_proto(summary.review, None, verbose),
        action=ACTIONS[summary.action],
        facts=facts_to_proto(summary.facts),
        settled=summary.is_settled,
        request_id=request_id,
    )
    return wire.StreamVideoResponse(final=final)


def _check(request: wire.StreamVideoRequest, expected: str, why: str) -> None:
    message = request.WhichOneof("message")
    if message == expected:
        validate(request)
    elif message == "options":
        raise RefusedError(_out_of_order("options", expected, "They come once, in the beginning."))
    else:
        raise RefusedError(_out_of_order(message or "message", expected, why))


def _out_of_order(field: str, expected: str, why: str) -> Refusal:
    said = f"is not the {expected} that was expected: {why[0].lower()}{why[1:].rstrip('.')}"
    return protocol(f"A {expected} was expected. {why}", expected, Violation(field, said))

"""Answers ``StreamVideo``: feeds what comes to be judged, and tells what it comes to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import grpc
from gavel.v1.compliance_stream_pb2 import (
    StreamVideoOptions,
    StreamVideoRequest,
)

from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.video_in_progress import NothingJudged, VideoSummary
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.conversations import below_options
from gaveld.transport.grpc.converters.reviews import verbose_of
from gaveld.transport.grpc.converters.videos import (
    CHUNK,
    FRAME,
    is_live,
    news_to_proto,
    video_opening_from_proto,
    video_summary_to_proto,
)
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.admission import Admission, overloaded
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.open_conversations import Lifetime, OpenConversations, TimeIsUpError
from gaveld.transport.grpc.open_stream import StreamPlaces, options_of, write
from gaveld.transport.grpc.video_feed import HEARD_OUT_SECONDS, Progress, VideoFeed

PANEL_SECONDS: Final = 5.0
"""So much of a stream's time is kept for the review at its end,"""
PANEL_SHARE: Final = 0.25
"""and no more than this share of it."""


class VideoServicer:
    """Serves ``StreamVideo``. The other RPCs of its service are served elsewhere.

    A stream takes a place of ``admission`` only while something of it is judged. A piece of work,
    a wait for a place or a decoder, and a wait for the next chunk of a file, which keeps a decoder
    busy, take ``max_work_seconds`` at most.
    """

    def __init__(
        self,
        moderate_video: ModerateVideo,
        *,
        admission: Admission,
        long_texts: LongTexts,
        open_conversations: OpenConversations,
        max_work_seconds: float,
    ) -> None:
        self._moderate_video = moderate_video
        self._admission = admission
        self._places = StreamPlaces(admission, long_texts, max_work_seconds)
        self._open_conversations = open_conversations
        self._max_work_seconds = max_work_seconds

    async def StreamVideo(
        self, requests: AsyncIterator[StreamVideoRequest], context: Context
    ) -> None:
        """Review a video while it comes.

        The last message has no review where the server ended the stream before it judged anything.
        """
        call = current_call()
        self._admission.vacate(call)
        seconds = None if call.due is None else call.seconds_left()
        reserve = 0.0 if seconds is None else min(PANEL_SECONDS, PANEL_SHARE * max(0.0, seconds))
        opened = self._open_conversations.opened(call.project, seconds, reserve_seconds=reserve)
        with opened as lifetime:
            first = await options_of(requests, lifetime, call, self._max_work_seconds)
            if first is None:
                await write(context, video_summary_to_proto(None, 0, call.request_id), lifetime)
                return
            feed = VideoFeed(requests, self._max_work_seconds)
            stream = _Stream(first.options, feed, context, lifetime)
            try:
                await self._serve(stream, call.request_id)
            except asyncio.CancelledError:
                stream.hears_out = False
                raise
            finally:
                await feed.end(HEARD_OUT_SECONDS if stream.hears_out else 0.0)

    async def _serve(self, stream: "_Stream", request_id: str) -> None:
        summary = None
        with suppress(NothingJudged):
            async with self._opened(stream.options) as progress:
                stream.feed.begin(progress)
                try:
                    summary = await stream.judge(progress)
                finally:
                    stream.feed.leave()
        verbose = verbose_of(stream.options)
        response = video_summary_to_proto(summary, verbose, request_id)
        await write(stream.context, response, stream.lifetime)

    @asynccontextmanager
    async def _opened(self, options: StreamVideoOptions) -> AsyncIterator[Progress]:
        try:
            opening = video_opening_from_proto(options)
            seat = self._moderate_video.seat(opening, project=current_call().project)
            stack = AsyncExitStack()
            panel = await stack.enter_async_context(seat)
        except InvalidRequest as failure:
            raise below_options(failure) from None
        async with stack:
            progress: Progress
            if is_live(options):
                progress = self._moderate_video.open_live(
                    panel,
                    place=self._places.place,
                    field="frame.jpeg",
                    stops_when_settled=options.stop_when_settled,
                )
            else:
                progress = self._moderate_video.open_file(
                    panel,
                    place=self._places.place,
                    field=CHUNK,
                    stops_when_settled=options.stop_when_settled,
                )
            try:
                async with asyncio.timeout(self._max_work_seconds) as patience:
                    await stack.enter_async_context(progress)
            except TimeoutError:
                if not patience.expired():
                    raise
                raise overloaded() from None
            yield progress


@dataclass(slots=True)
class _Stream:
    """One open stream. ``hears_out``: its caller may still be sending when it ends."""

    options: StreamVideoOptions
    feed: VideoFeed
    context: Context
    lifetime: Lifetime
    hears_out: bool = True

    async def judge(self, progress: Progress) -> VideoSummary:
        """Judge what comes, tell of it, and return what it comes to."""
        try:
            while (events := await self.lifetime.listening(progress.take)) is not None:
                # Only the work is given up when the time is over, never a message half written.
                for news in await self.lifetime.working(partial(progress.judge, events)):
                    await write(self.context, news_to_proto(news), self.lifetime)
        except TimeIsUpError:
            self.hears_out = False
        else:
            if not progress.has_judged:
                field = FRAME if is_live(self.options) else CHUNK
                raise InvalidRequest(FieldViolation(field, "came not once"))
        try:
            return await self.lifetime.working(progress.conclude)
        except TimeIsUpError:
            raise RefusedError(_NO_REVIEW) from None


_NO_REVIEW: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The time was up before what was judged could be reviewed.",
)

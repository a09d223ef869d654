"""Answers ``StreamVideo``: feeds what comes to be judged, and tells what it comes to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

import grpc
from gavel.v1.compliance_stream_pb2 import (
    StreamVideoOptions,
    StreamVideoRequest,
)

from gaveld.application.moderate_video import (
    FileInProgress,
    LiveInProgress,
    ModerateVideo,
)
from gaveld.application.video_in_progress import NothingJudged, VideoSummary
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.conversations import below_options
from gaveld.transport.grpc.converters.reviews import verbose_of
from gaveld.transport.grpc.converters.videos import (
    CHUNK,
    FRAME,
    chunk_from_proto,
    frame_from_proto,
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

PANEL_SECONDS: Final = 5.0
"""So much of a stream's time is kept for the review at its end,"""
PANEL_SHARE: Final = 0.25
"""and no more than this share of it."""

Progress = FileInProgress | LiveInProgress


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
            summary, verbose = None, 0
            if first is not None:
                verbose = verbose_of(first.options)
                with suppress(NothingJudged):
                    summary = await self._judged(first.options, requests, context, lifetime)
            response = video_summary_to_proto(summary, verbose, call.request_id)
            await write(context, response, lifetime)

    async def _judged(
        self,
        options: StreamVideoOptions,
        requests: AsyncIterator[StreamVideoRequest],
        context: Context,
        lifetime: Lifetime,
    ) -> VideoSummary:
        async with self._opened(options) as progress:
            feeding = asyncio.create_task(self._fed(requests, progress))
            try:
                is_over = await _tell(progress, context, lifetime)
            finally:
                feeding.cancel()
                await asyncio.wait([feeding])
            if is_over and not progress.has_judged:
                raise InvalidRequest(FieldViolation(_field(options), "came not once"))
            try:
                return await lifetime.working(progress.conclude)
            except TimeIsUpError:
                raise RefusedError(_NO_REVIEW) from None

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

    async def _fed(self, requests: AsyncIterator[StreamVideoRequest], progress: Progress) -> None:
        """Feed what comes; what is wrong with it goes to whoever judges."""
        try:
            if isinstance(progress, LiveInProgress):
                async for request in requests:
                    await progress.show(*frame_from_proto(request))
            else:
                while (following := await self._next(requests)) is not None:
                    await progress.feed(chunk_from_proto(following))
            await progress.finish()
        except Exception as failure:  # noqa: BLE001 - told where news are awaited
            await progress.fail(failure)

    async def _next(self, requests: AsyncIterator[StreamVideoRequest]) -> StreamVideoRequest | None:
        try:
            async with asyncio.timeout(self._max_work_seconds) as patience:
                return await anext(requests, None)
        except TimeoutError:
            if not patience.expired():
                raise
            raise RefusedError(_NO_CHUNK) from None


async def _tell(progress: Progress, context: Context, lifetime: Lifetime) -> bool:
    """Judge what comes, and write what it comes to. Returns whether that was all of it."""
    try:
        while (events := await lifetime.listening(progress.take)) is not None:
            # Only the work is given up when the time is over, never a message half written.
            for news in await lifetime.working(partial(progress.judge, events)):
                await write(context, news_to_proto(news), lifetime)
    except TimeIsUpError:
        return False
    return True


def _field(options: StreamVideoOptions) -> str:
    return FRAME if is_live(options) else CHUNK


_NO_CHUNK: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The next chunk of the file did not come in time.",
)
_NO_REVIEW: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The time was up before what was judged could be reviewed.",
)

"""Feeds what a stream of video brings to whoever judges it, and hears the caller out after that.

A caller who is still sending when a stream ends may take the end for a broken connection: client
libraries do. So what comes then is read for a moment more, and dropped.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import grpc
from gavel.v1.compliance_stream_pb2 import StreamVideoRequest

from gaveld.application.moderate_video import FileInProgress, LiveInProgress
from gaveld.domain.errors import ErrorReason
from gaveld.transport.grpc.converters.videos import chunk_from_proto, frame_from_proto
from gaveld.transport.grpc.errors import Refusal, RefusedError

HEARD_OUT_SECONDS: Final = 2.0
"""So long after the end a caller may go on sending; what comes is dropped."""

Progress = FileInProgress | LiveInProgress


class VideoFeed:
    """Reads the requests of one stream. Chunks of a file must come ``patience_seconds`` apart."""

    def __init__(
        self, requests: AsyncIterator[StreamVideoRequest], patience_seconds: float
    ) -> None:
        self._requests = requests
        self._patience_seconds = patience_seconds
        self._progress: Progress | None = None
        self._reading: asyncio.Task[None] | None = None

    def begin(self, progress: Progress) -> None:
        """Feed what comes; what is wrong with it goes to whoever judges."""
        self._progress = progress
        self._reading = asyncio.create_task(self._read(progress))

    def leave(self) -> None:
        """Drop what comes from now on."""
        self._progress = None

    async def end(self, within_seconds: float) -> None:
        """Read until the caller closes its side, or so long."""
        self.leave()
        if self._reading is None:
            return
        try:
            await asyncio.wait([self._reading], timeout=within_seconds)
        finally:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _read(self, progress: Progress) -> None:
        try:
            while (request := await self._next(progress)) is not None:
                await self._give(request, progress)
            if self._progress is not None:
                await progress.finish()
        except Exception as failure:  # noqa: BLE001 - told where news are awaited
            self.leave()
            await progress.fail(failure)
            while await anext(self._requests, None) is not None:
                pass

    async def _give(self, request: StreamVideoRequest, progress: Progress) -> None:
        if self._progress is None:
            return
        try:
            if isinstance(progress, LiveInProgress):
                await progress.show(*frame_from_proto(request))
            else:
                await progress.feed(chunk_from_proto(request))
        except Exception:
            if self._progress is not None:  # else it was over before this was taken
                raise

    async def _next(self, progress: Progress) -> StreamVideoRequest | None:
        if isinstance(progress, LiveInProgress):
            return await anext(self._requests, None)
        try:
            async with asyncio.timeout(self._patience_seconds) as patience:
                return await anext(self._requests, None)
        except TimeoutError:
            if not patience.expired():
                raise
            raise RefusedError(_NO_CHUNK) from None


_NO_CHUNK: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The next chunk of the file did not come in time.",
)

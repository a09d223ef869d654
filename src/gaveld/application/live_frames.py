"""A video that comes as live frames, picture by picture, as if it had been decoded from a file."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, Self

from gaveld.application.ports import ImageDecoder
from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.media import MediaFacts, MediaFile, MediaKind, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import SIGNATURE_BYTES, MediaFormat, described, format_of
from gaveld.domain.videos import SampledFrame, VideoEvent

MOST_WAITING: Final = 4
"""Whoever shows more frames than so many that nobody has taken yet must wait."""


class LiveFrames:
    """Frames that are shown one after another; each of them is looked at."""

    def __init__(self, decoder: ImageDecoder) -> None:
        self._decoder = decoder
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._is_over = False
        self._changed = asyncio.Condition()
        self._sha256 = hashlib.sha256()
        self._byte_count = 0
        self._latest = 0.0
        self._facts: MediaFacts | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_failure: object) -> None:
        """End. Whoever waits to show more waits no longer."""
        await self.finish()

    async def show(self, jpeg: bytes, seconds: float) -> None:
        """Take the next frame, shown ``seconds`` after the beginning. Waits while others wait.

        Raises ``InvalidRequest`` for a time before that of the last frame.
        """
        if seconds < self._latest:
            raise InvalidRequest(
                FieldViolation("frame.offset", "is before that of the frame before it")
            )
        self._latest = seconds
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < MOST_WAITING or self._is_over)
            if self._is_over:
                return
            self._waiting.append((jpeg, seconds))
            self._byte_count += len(jpeg)
            self._sha256.update(jpeg)
            self._changed.notify_all()

    async def finish(self) -> None:
        """Say that there are no more frames."""
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    async def events(self) -> AsyncIterator[VideoEvent]:
        """Yield the frames. Raises ``MediaRefused`` for one that is no JPEG, or damaged."""
        index = 0
        while (taken := await self._next()) is not None:
            jpeg, seconds = taken
            head = jpeg[:SIGNATURE_BYTES]
            if format_of(head) is not MediaFormat.JPEG:
                raise MediaRefused(MediaRefusal.FORMAT_NOT_SUPPORTED, detected=described(head))
            sha256 = hashlib.sha256(jpeg).hexdigest()
            picture = await self._decoder.decode(MediaFile(jpeg, MediaFormat.JPEG, sha256))
            shown = replace(picture.frames[0], index=index, start_seconds=seconds)
            if self._facts is None:
                self._facts = replace(picture.facts, kind=MediaKind.VIDEO, duration_seconds=0.0)
            index += 1
            self._facts = replace(
                self._facts,
                frame_count=index,
                judged_frame_count=index,
                duration_seconds=seconds,
                is_partial=self._facts.is_partial or picture.facts.is_partial,
            )
            yield SampledFrame(shown, is_scene_change=True)

    @property
    def is_waiting_for_index(self) -> bool:
        """Never: each frame is a file of its own."""
        return False

    @property
    def facts(self) -> MediaFacts | None:
        """What is known so far: the size is the first frame's, the SHA-256 that of all files."""
        if self._facts is None:
            return None
        sha256 = self._sha256.hexdigest()
        return replace(self._facts, sha256=sha256, byte_count=self._byte_count)

    async def _next(self) -> tuple[bytes, float] | None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._is_over)
            if not self._waiting:
                return None
            taken = self._waiting.popleft()
            self._changed.notify_all()
            return taken

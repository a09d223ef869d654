"""Turns frames back into small JPEG files, for reviewers that look at pictures.

It keeps what the frame shows and nothing of the file that it came from.
"""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from PIL import Image

from gaveld.domain.media import Frame

MAX_SIDE: Final = 1_024
"""Larger frames are shrunk to so many pixels along their longer side."""

QUALITY: Final = 85


class JpegFrameEncoder:
    """A ``FrameEncoder`` on ``threads`` threads. Call ``close`` at the end.

    Files are ``max_side`` pixels wide or high at most.
    """

    def __init__(self, *, max_side: int = MAX_SIDE, threads: int = 1) -> None:
        self._max_side = max_side
        self._lane = ThreadPoolExecutor(threads, thread_name_prefix="gavel-jpeg")

    async def encode(self, frame: Frame) -> bytes:
        """Return the frame as a JPEG file; see the port."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lane, self._encoded, frame)

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._lane.shutdown(wait=False, cancel_futures=True)

    def _encoded(self, frame: Frame) -> bytes:
        picture = _picture(frame)
        factor = self._max_side / max(picture.size)
        if factor < 1:
            size = (max(1, round(frame.width * factor)), max(1, round(frame.height * factor)))
            picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=QUALITY)
        return file.getvalue()


def _picture(frame: Frame) -> Image.Image:
    pixels = np.frombuffer(frame.rgb, np.uint8)
    return Image.fromarray(pixels.reshape(frame.height, frame.width, 3))

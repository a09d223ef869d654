"""The reader of codes as a classifier: frames in, what their codes say out, no category.

Where a link leads and what a text means, others judge.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from gaveld.adapters.image.codes.reading import VERSION, codes_of
from gaveld.domain.image_signals import ImageCode, ImageReport, ImageSample
from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard

NAME: Final = "codes"

MAX_CODES: Final = 64
"""So many different codes of one picture are reported."""

MAX_TEXT_BYTES: Final = 4_096
"""So many bytes of what a code says are reported."""

LIMITS: Final = (
    "Reads QR, Aztec, Data Matrix, PDF417 and MaxiCode, and the bar codes EAN, UPC, Code 128, "
    "Code 39 and Code 93; not codes that are small in a large picture, bent, or drawn over."
)
_TOO_MANY: Final = f"It has more than {MAX_CODES} codes: the rest is not reported."
_TOO_LONG: Final = "A code says more than is reported."


class ZxingClassifier:
    """Reads the codes in pictures on ``threads`` threads. Call ``close`` at the end."""

    def __init__(self, *, threads: int = 1) -> None:
        self._lane = ThreadPoolExecutor(threads, thread_name_prefix="gavel-codes")
        self._card = ClassifierCard(NAME, VERSION, frozenset(), limits=LIMITS)

    @property
    def card(self) -> ClassifierCard:
        """What it is and reads; it covers no category."""
        return self._card

    async def warm_up(self) -> None:
        """Look at an empty frame once."""
        await self._codes(Frame(0, 0.0, 1, 1, memoryview(bytes(3))))

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return the codes of all frames, each different one once, where it is seen first."""
        found: dict[tuple[str, str], ImageCode] = {}
        for frame in sample.picture.frames:
            for code in await self._codes(frame):
                found.setdefault((code.format, code.text), code)
        codes = [_clipped(code) for code in list(found.values())[:MAX_CODES]]
        is_cut = any(code.text != text for code, (_, text) in zip(codes, found, strict=False))
        unread = [_TOO_MANY] * (len(found) > MAX_CODES) + [_TOO_LONG] * is_cut
        return ImageReport(codes=tuple(codes), unread=" ".join(unread))

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._lane.shutdown(wait=False, cancel_futures=True)

    async def _codes(self, frame: Frame) -> list[ImageCode]:
        return await asyncio.get_running_loop().run_in_executor(self._lane, codes_of, frame)


def _clipped(code: ImageCode) -> ImageCode:
    return replace(code, text=code.text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore"))

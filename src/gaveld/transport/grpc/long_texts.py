"""Bounds how many long texts are judged at once, by every service together."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

LONG_TEXT_CHARACTERS: Final = 16_384
LONG_TEXTS_AT_ONCE: Final = 4
"""How many long texts of all calls are judged at once: each takes many times its size in memory.

There are fewer threads than that to judge them, so that more at once would not be faster.
"""


class LongTexts:
    """The places for long texts; short ones need none."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(LONG_TEXTS_AT_ONCE)

    def place(self, characters: int) -> AbstractAsyncContextManager[None]:
        """Return what to enter while a text of so many characters is judged."""
        return self._places if characters > LONG_TEXT_CHARACTERS else nullcontext()

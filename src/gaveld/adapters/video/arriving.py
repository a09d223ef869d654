"""A file that is read while it arrives: who asks for bytes that did not come yet, waits."""

import os
from collections.abc import Callable
from typing import Final

_WAKE_BYTES: Final = 4_096


class Arrivals:
    """How much of the file is there, as its writer tells.

    ``file`` and ``bell`` are descriptors: of the file, and of the pipe that brings a byte whenever
    the file has grown and ends when it is whole. ``tell_starved`` is called with the file's size
    before each wait.
    """

    def __init__(self, file: int, bell: int, tell_starved: Callable[[int], None]) -> None:
        self._file = file
        self._bell = bell
        self._tell_starved = tell_starved
        self._size = 0
        self._is_whole = False

    def wait_for(self, end: int) -> int:
        """Return how many bytes there are, as soon as there are that many or no more will come."""
        self._size = os.fstat(self._file).st_size
        while self._size < end and not self._is_whole:
            self._tell_starved(self._size)
            self._is_whole = not os.read(self._bell, _WAKE_BYTES)
            self._size = os.fstat(self._file).st_size
        return self._size

    def whole_size(self) -> int:
        """Return the file's size, once it is whole."""
        while not self._is_whole:
            self.wait_for(self._size + 1)
        return self._size

    def part(self, at: int, size: int) -> bytes:
        """Return so many bytes from a place on; fewer only if the file ends before.

        How the file arrived must not show: libraries treat a short read in their own ways.
        """
        self.wait_for(at + size)
        return os.pread(self._file, size, at)


class ArrivingFile:
    """The file as libraries read it: forwards only, or anywhere once it is whole."""

    name = "video"

    def __init__(self, arrivals: Arrivals, *, is_seekable: bool) -> None:
        self._arrivals = arrivals
        self._is_seekable = is_seekable
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer than asked for only if the file ends before."""
        data = self._arrivals.part(self._at, size)
        self._at += len(data)
        return data

    def seekable(self) -> bool:
        """Return whether ``seek`` may be called."""
        return self._is_seekable

    def seek(self, offset: int, whence: int) -> int:
        """Move to a place and return it; negative, which libraries take for an error, if none."""
        start = (0, self._at, self._arrivals.whole_size())[whence]
        if start + offset < 0:
            return -1
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

"""A file that is read while it arrives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gaveld.adapters.video.arriving import Arrivals, ArrivingFile


class Growing:
    """A file that grows when somebody waits for more of it, by as much as the test says."""

    def __init__(self, path: Path, *parts: bytes) -> None:
        self.starved: list[int] = []
        self._parts = list(parts)
        self._writer = path.open("wb", buffering=0)
        self._reader = path.open("rb")
        bell, self._rope = os.pipe()
        self._bell = bell
        self.arrivals = Arrivals(self._reader.fileno(), bell, self._grow)

    def _grow(self, size: int) -> None:
        self.starved.append(size)
        if self._parts:
            self._writer.write(self._parts.pop(0))
            os.write(self._rope, b".")
        else:
            os.close(self._rope)

    def close(self) -> None:
        self._writer.close()
        self._reader.close()
        os.close(self._bell)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    made = Growing(tmp_path / "file", b"ab", b"c", b"defg", b"h")
    yield made
    made.close()


def test_a_read_gives_all_that_was_asked_for(growing: Growing):
    """Law: how a file arrived does not show; only its end cuts a read short."""
    file = ArrivingFile(growing.arrivals, is_seekable=False)
    assert [file.read(4), file.read(3), file.read(4), file.read(4)] == [b"abcd", b"efg", b"h", b""]
    assert growing.starved == [0, 2, 3, 7, 8]


def test_a_whole_file_is_read_anywhere(growing: Growing):
    """Law: places count from the beginning, from here or from the end; there is none before."""
    file = ArrivingFile(growing.arrivals, is_seekable=True)
    assert file.seek(-2, 2) == 6
    assert file.read(9) == b"gh"
    assert file.seek(1, 0) == 1
    assert file.seek(2, 1) == 3
    assert file.read(1) == b"d"
    assert file.tell() == 4
    assert file.seek(-9, 2) < 0
    assert file.tell() == 4


def test_nobody_is_told_of_waiting_for_what_is_there(growing: Growing):
    """Law: only who has to wait says so."""
    assert growing.arrivals.part(0, 2) == b"ab"
    assert growing.arrivals.part(1, 1) == b"b"
    assert growing.starved == [0]

"""Keeps a video on disk, under no name, for as long as it is decoded."""

import hashlib
import os
import tempfile
from pathlib import Path


class Spool:
    """A file that grows and that nobody else can open. It holds nothing of a path.

    ``folder`` is the system's folder for temporary files if None.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - close()
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    def open_to_read(self) -> int:
        """Return a descriptor that reads the file and can't write it. The caller closes it."""
        return os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)

    def append(self, chunk: bytes, head_bytes: int) -> None:
        """Write at the end, and keep the first bytes in ``head``. Blocks."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        self._digest.update(chunk)
        self.size += len(chunk)
        self.head += chunk[: max(0, head_bytes - len(self.head))]

    @property
    def sha256(self) -> str:
        """The digest of what was written, in lower-case hex digits."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Give the space back. Idempotent."""
        self._file.close()

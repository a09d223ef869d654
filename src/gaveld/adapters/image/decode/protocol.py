"""What parent and worker say to each other: JSON in one message, bytes in memory that both map."""

import os
from typing import Final

READY: Final = b"ready"
"""A worker's first message: its libraries are loaded."""

TOO_BIG: Final = "too big"
"""A worker's last message: its memory ran out."""

MAX_MESSAGE_BYTES: Final = 1 << 16


def memory_with(*parts: bytes) -> int:
    """Return the descriptor of a new file in memory that holds the parts, one after another."""
    descriptor = os.memfd_create("gavel-media", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor

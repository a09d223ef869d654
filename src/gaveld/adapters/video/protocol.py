"""What parent and worker say to each other, over two pipes and a file that only the parent writes.

A worker's messages are a head in JSON and bytes that belong to it. Its parent says one line, what
to read, and then any byte whenever more of the file is there; closing the pipe says it is whole.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

LENGTHS: Final = struct.Struct("<II")
MAX_HEAD_BYTES: Final = 1 << 16

SOUND_RATE: Final = 16_000
SOUND_SECONDS: Final = 30
"""The longest stretch of sound in one message."""

SOUND_BYTES: Final = 2 * SOUND_RATE * SOUND_SECONDS
MAX_SUBTITLES: Final = 10_000
MAX_SUBTITLE_CHARACTERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to read: the container's format, by FFmpeg's name, and whether sound too.

    A file without pictures is refused unless ``needs_pictures`` is false.
    """

    format: str
    with_sound: bool
    needs_pictures: bool = True


def packed(head: dict[str, Any], body: bytes | memoryview = b"") -> bytes:
    """Return a message as it goes through the pipe."""
    words = json.dumps(head).encode()
    return b"".join((LENGTHS.pack(len(words), len(body)), words, body))

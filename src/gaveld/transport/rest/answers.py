"""What goes back over HTTP, whoever made it: one body, or many pieces as they come."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in one piece."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer whose pieces are sent as they are made. Its iterator must never raise."""

    pieces: AsyncIterator[bytes]
    content_type: str
    headers: Headers = ()
    status: int = 200

"""Reads the JSON that Google's servers read: names without quotes, and commas after the last entry.

Perspective's own curl example is written so. Everything else is held to ``strict_json``.
"""

import re
from typing import Any, Final

from gaveld.transport.rest.strict_json import MalformedJsonError, read_json

MAX_LOOSE_BYTES: Final = 65_536
"""Such JSON is written by hand. A larger body must be strict."""

_PIECE: Final = re.compile(
    rb"""
      (?P<string> " (?: [^"\\] | \\. )*+ "? )     # the end is optional, so that no start is retried
    | (?<! [A-Za-z0-9_$] ) (?P<name> [A-Za-z_$] [A-Za-z0-9_$]*+ ) (?= \s*+ : )
    | (?P<comma> , ) (?= \s*+ [}\]] )
    """,
    re.VERBOSE | re.DOTALL,
)


def read_loose_json(raw: bytes) -> Any:
    """Return the value that the bytes hold. Raises ``MalformedJsonError``, as of strict JSON."""
    try:
        return read_json(raw)
    except MalformedJsonError:
        if len(raw) > MAX_LOOSE_BYTES:
            raise
        tidied = _PIECE.sub(_tidied, raw)
        if tidied == raw:
            raise
        return read_json(tidied)


def _tidied(piece: re.Match[bytes]) -> bytes:
    if piece["name"]:
        return b'"' + piece["name"] + b'"'
    return piece["string"] or b""

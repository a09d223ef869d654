"""Finds JSON Web Tokens: three base64url parts, of which the first decodes to a JOSE header."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.scanning import Hit

DECODED: Final = 0.97

_TOKEN: Final = re.compile(r"(?<![\w-])(eyJ[\w-]{8,1000})\.[\w-]{4,2500}\.[\w-]{0,580}", re.ASCII)


def find(text: str) -> Iterator[Hit]:
    """Yield the JSON Web Tokens in a text."""
    if "eyJ" not in text:
        return
    for token in _TOKEN.finditer(text):
        if _is_header(token[1]):
            yield Hit(token.start(), token.end(), "P2", DECODED, "A JSON Web Token.")


def _is_header(part: str) -> bool:
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)

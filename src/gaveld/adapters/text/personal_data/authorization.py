"""Finds what opens an HTTP server: the token or password of an ``Authorization`` header."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.personal_data.entropy import looks_random
from gaveld.adapters.text.scanning import Hit

BEARER: Final = 0.85
BASIC: Final = 0.9

_HEADER: Final = re.compile(
    r"\b(?:bearer\s{1,3}([\w.~+/-]{16,2048}=*)|basic\s{1,3}([A-Za-z0-9+/]{8,512}={0,2}))",
    re.IGNORECASE | re.ASCII,
)


def find(text: str) -> Iterator[Hit]:
    """Yield the credentials that follow "Bearer" or "Basic" in a text."""
    for match in _HEADER.finditer(text):
        bearer, basic = match.groups()
        if bearer and looks_random(bearer):
            yield Hit(match.start(1), match.end(1), "P2", BEARER, "A bearer token.")
        elif basic and _is_user_and_password(basic):
            yield Hit(match.start(2), match.end(2), "P2", BASIC, "An HTTP user and password.")


def _is_user_and_password(encoded: str) -> bool:
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    user, colon, secret = decoded.partition(":")
    return bool(colon and user and secret) and decoded.isprintable()

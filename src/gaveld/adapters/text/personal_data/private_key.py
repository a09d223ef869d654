"""Finds private keys in PEM and OpenPGP armour. Public keys and certificates are no secret."""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.scanning import HIT_CHARACTERS, Hit

ARMOURED: Final = 0.99

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,32})PRIVATE KEY( BLOCK)?-----")


def find(text: str) -> Iterator[Hit]:
    """Yield the private-key blocks in a text; one without an end lasts as far as a hit may."""
    for begin in _BEGIN.finditer(text):
        footer = f"-----END {begin[1]}PRIVATE KEY{begin[2] or ''}-----"
        limit = min(len(text), begin.start() + HIT_CHARACTERS)
        foot = text.find(footer, begin.end(), limit)
        end = limit if foot < 0 else foot + len(footer)
        yield Hit(begin.start(), end, "P2", ARMOURED, "A private key.")

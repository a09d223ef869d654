"""Cleans texts of what data sets did to them, and says which belong on one side of a split."""

import hashlib
import html
import re
from typing import Final

_PLACEHOLDERS: Final = (
    (re.compile(r"\[USER\]|<user>"), "@user"),
    (re.compile(r"\[URL\]|<url>"), "http://t.co/x"),
    (re.compile(r"^(?:RT @\w+:? )+"), ""),
)


def clean(text: str) -> str:
    """Undo what a data set did to its texts and no caller of Gavel would."""
    for pattern, replacement in _PLACEHOLDERS:
        text = pattern.sub(replacement, text)
    return html.unescape(text)


def tenth(group: str) -> int:
    """Return the tenth, 0 to 9, that a group of texts belongs to; the same on every machine."""
    return int.from_bytes(hashlib.sha256(group.encode("utf-8", "replace")).digest()[:8]) % 10


def wording(text: str) -> str:
    """Return what two texts share that differ in case, spacing and punctuation only."""
    return "".join(character for character in text.lower() if character.isalnum()) or text

"""Tells strings that a machine drew at random from words, placeholders and repetitions."""

import math
from collections import Counter

_PLACEHOLDERS = ("example", "xxxx", "your", "placeholder", "changeme", "redacted", "dummy", "<")


def bits_per_character(text: str) -> float:
    """Return Shannon's entropy of the characters of a text, in bits; 0 for an empty one."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def looks_random(text: str, bits: float = 3.0) -> bool:
    """Whether a text is varied enough to be a key, holds a digit and is no placeholder."""
    lower = text.lower()
    return (
        any(map(str.isdecimal, text))
        and not any(word in lower for word in _PLACEHOLDERS)
        and bits_per_character(text) >= bits
    )

"""Finds passwords and keys that the words around them give away.

That is: in an address (``scheme://user:password@host``), or after a name such as ``api_key=``.
"""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.personal_data.entropy import looks_random
from gaveld.adapters.text.scanning import Hit

IN_ADDRESS: Final = 0.9
NAMED_KEY: Final = 0.85
NAMED_PASSWORD: Final = 0.8

_SHORTEST_KEY: Final = 12

_ADDRESS: Final = re.compile(r"[A-Za-z]://[^\s/:@]{0,64}:([^\s/@]{3,200})@[\w\[]")
_NAMED: Final = re.compile(
    r"(?:(?P<password>passw(?:or)?d|passphrase|pwd|passcode)"
    r"|(?:api|access|secret|private|auth|client|account|encryption|signing)[_\- ]?"
    r"(?:key|token|secret)|secret|token)"
    r"[\"']?\s{0,3}(?:[:=]|=>|:=)\s{0,3}[\"']?(?P<value>[^\s\"'<>,;]{4,256})",
    re.IGNORECASE,
)
_HINT: Final = re.compile(r"pass|pwd|key|token|secret", re.IGNORECASE)
_TELLING: Final = re.compile(r"(?=.{0,256}[^\W\d_])(?=.{0,256}[\d!@#$%^&*?+=-])")
_REFERENCE: Final = re.compile(
    r"[$%{\[(*<\u2022.]|x{3,}|os\.|env|process\.|https?:|none|null|true|false|self\.|config|get",
    re.IGNORECASE,
)
_PLACEHOLDERS: Final = frozenset({"pass", "password", "passwd", "pwd", "secret", "user", "token"})


def find(text: str) -> Iterator[Hit]:
    """Yield the passwords and keys in a text; the span is the secret itself."""
    if "://" in text:
        for match in _ADDRESS.finditer(text):
            if _may_be_secret(match[1]):
                yield Hit(
                    match.start(1), match.end(1), "P2", IN_ADDRESS, "A password in an address."
                )
    if _HINT.search(text):
        yield from _named(text)


def _named(text: str) -> Iterator[Hit]:
    for match in _NAMED.finditer(text):
        value = match["value"]
        if not _may_be_secret(value):
            continue
        start, end = match.span("value")
        if match["password"]:
            if _TELLING.match(value):
                reason = "A password, by the name before it."
                yield Hit(start, end, "P2", NAMED_PASSWORD, reason)
        elif len(value) >= _SHORTEST_KEY and looks_random(value):
            yield Hit(start, end, "P2", NAMED_KEY, "A key or token, by the name before it.")


def _may_be_secret(value: str) -> bool:
    """Whether it is neither a placeholder nor code that fetches the secret from elsewhere."""
    return value.lower() not in _PLACEHOLDERS and not _REFERENCE.match(value)

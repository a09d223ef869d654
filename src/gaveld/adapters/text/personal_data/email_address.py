"""Finds e-mail addresses, also with a bracketed "at" and "dot"."""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.scanning import Hit

PLAIN: Final = 0.95
SPELT_OUT: Final = 0.75

_LOCAL_CHARACTERS: Final = 64
_LOCAL: Final = re.compile(r"[\w%+](?:[\w.%+'-]{0,63}[\w%+-])?\Z")
_LOCAL_CHARACTER: Final = re.compile(r"[\w.%+'-]")
_DOMAIN: Final = re.compile(r"[^\W_](?:[\w-]{0,62})(?:\.[^\W_][\w-]{0,62}){1,8}")
_TOP_LEVEL: Final = re.compile(r"[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59}", re.IGNORECASE)

_SPELT_AT: Final = re.compile(r"\s?[\[({]\s?at\s?[\])}]\s?", re.IGNORECASE)
_SPELT_DOMAIN: Final = re.compile(
    r"([a-z0-9][a-z0-9-]{0,62}(?:\s?(?:\.|[\[({]\s?dot\s?[\])}])\s?[a-z0-9][a-z0-9-]{0,62}){1,4})",
    re.IGNORECASE,
)

# What follows the last dot of picture@2x.png and its like.
_FILE_ENDINGS: Final = frozenset({"css", "gif", "jpeg", "jpg", "js", "json", "pdf", "png", "svg"})


def find(text: str) -> Iterator[Hit]:
    """Yield the e-mail addresses in a text."""
    at = text.find("@")
    while at >= 0:
        end = _domain_end(text, at + 1)
        local = _local_part(text, at) if end else ""
        if local and not _is_something_else(text, at - len(local), end):
            yield Hit(at - len(local), end, "P1", PLAIN, "An e-mail address.")
        at = text.find("@", at + 1)
    if "at" in text or "AT" in text:
        yield from _spelt_out(text)


def _spelt_out(text: str) -> Iterator[Hit]:
    for at in _SPELT_AT.finditer(text):
        domain = _SPELT_DOMAIN.match(text, at.end())
        local = _local_part(text, at.start()) if domain else ""
        if local and domain and _TOP_LEVEL.fullmatch(re.split(r"\W+", domain[0])[-1]):
            start = at.start() - len(local)
            yield Hit(start, domain.end(), "P1", SPELT_OUT, "An e-mail address, spelt out.")


def _local_part(text: str, end: int) -> str:
    start = max(0, end - _LOCAL_CHARACTERS)
    local = _LOCAL.search(text[start:end])
    if not local or ".." in local[0]:
        return ""
    is_cut = local.start() == 0 and start > 0 and _LOCAL_CHARACTER.match(text[start - 1])
    return "" if is_cut else local[0]


def _domain_end(text: str, start: int) -> int:
    """Return where the domain name at ``start`` ends, or 0 if none is there."""
    domain = _DOMAIN.match(text, start)
    while domain:
        top_level = domain[0].rpartition(".")[2]
        if _TOP_LEVEL.fullmatch(top_level):
            return 0 if top_level.lower() in _FILE_ENDINGS else domain.end()
        domain = _DOMAIN.match(text, start, domain.end() - len(top_level) - 1)
    return 0


def _is_something_else(text: str, start: int, end: int) -> bool:
    """Whether it is user@host of an address with a password, or of a remote repository."""
    before = text[max(0, start - _LOCAL_CHARACTERS) : start]
    _, scheme, user = before.rpartition("://")
    has_password = bool(scheme) and user.endswith(":") and " " not in user
    is_remote = text[end : end + 1] == ":" and text[end + 1 : end + 2].isalnum()
    return has_password or (is_remote and text.startswith("git@", start))

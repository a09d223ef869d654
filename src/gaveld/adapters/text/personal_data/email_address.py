"""Finds e-mail addresses, also spelt out, such as "jane (at) example (dot) com"."""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.scanning import Hit

PLAIN: Final = 0.95
IN_BRACKETS: Final = 0.85
IN_WORDS: Final = 0.8
SPELT_OUT: Final = 0.75

_LOCAL_CHARACTERS: Final = 64
_LOCAL: Final = re.compile(r"[\w%+](?:[\w.%+'-]{0,63}[\w%+-])?\Z")
_LOCAL_CHARACTER: Final = re.compile(r"[\w.%+'-]")
_DOMAIN: Final = re.compile(r"[^\W_](?:[\w-]{0,62})(?:\.[^\W_][\w-]{0,62}){1,8}")
_TOP_LEVEL: Final = re.compile(r"[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59}", re.IGNORECASE)

_SPELT_LOCAL: Final = re.compile(
    r"(?<![\w.%+'-])(?:[\w%+-]{1,30}(?:\s?[\[({]\s?dot\s?[\])}]\s?| dot )){1,3}[\w%+-]{1,30}\Z",
    re.IGNORECASE,
)
_SPELT_LOCAL_CHARACTERS: Final = 160
_BRACKETED_DOT: Final = re.compile(r"[\[({]\s?dot", re.IGNORECASE)

# Plain words mean an address only before a domain that is spelt out as well, and after what may be
# a name: "look at example dot com" is none.
_AT_IN_WORDS: Final = re.compile(r"(?<=\w) at ", re.IGNORECASE)
_DOMAIN_IN_WORDS: Final = re.compile(
    r"(?!(?:a|an|my|our|that|the|their|this|your) )[a-z0-9][a-z0-9-]{0,62}"
    r"(?:(?: dot |\.)[a-z0-9][a-z0-9-]{0,62}){0,2}"
    r" dot (?:com|net|org|info|biz|io|co|edu|gov|de|fr|nl|eu|uk|ca|au|ru)\b",
    re.IGNORECASE,
)
_NO_NAME: Final = frozenset(
    {
        "all", "and", "are", "arrive", "available", "back", "be", "been", "best", "bought", "buy",
        "chat", "cheap", "check", "click", "come", "contact", "deal", "deals", "download",
        "easily", "error", "everything", "example", "find", "for", "found", "free", "from", "get",
        "go", "good", "great", "have", "hello", "her", "here", "him", "home", "hosted", "is",
        "it", "join", "just", "laugh", "live", "located", "login", "look", "looked", "looking",
        "looks", "me", "meet", "more", "new", "now", "of", "off", "offer", "official", "online",
        "only", "or", "order", "orders", "out", "over", "page", "play", "prices", "purchase",
        "read", "register", "reviews", "sale", "save", "see", "sell", "sells", "shop", "shopping",
        "sign", "site", "sold", "start", "starts", "stay", "store", "stuff", "team", "that",
        "them", "there", "these", "they", "things", "this", "those", "today", "us", "via",
        "video", "visit", "was", "watch", "we", "website", "what", "work", "worked", "working",
        "works", "yelled", "you",
    }
)  # fmt: skip

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
        yield from _in_words(text)


def _spelt_out(text: str) -> Iterator[Hit]:
    for at in _SPELT_AT.finditer(text):
        domain = _SPELT_DOMAIN.match(text, at.end())
        local = _spelt_local_part(text, at.start()) if domain else ""
        if local and domain and _TOP_LEVEL.fullmatch(re.split(r"\W+", domain[0])[-1]):
            start = at.start() - len(local)
            score = IN_BRACKETS if _BRACKETED_DOT.search(domain[0]) else SPELT_OUT
            yield Hit(start, domain.end(), "P1", score, "An e-mail address, spelt out.")


def _in_words(text: str) -> Iterator[Hit]:
    for at in _AT_IN_WORDS.finditer(text):
        domain = _DOMAIN_IN_WORDS.match(text, at.end())
        local = _spelt_local_part(text, at.start()) if domain else ""
        if local and domain and local.lower() not in _NO_NAME:
            start = at.start() - len(local)
            yield Hit(start, domain.end(), "P1", IN_WORDS, "An e-mail address, in words.")


def _spelt_local_part(text: str, end: int) -> str:
    spelt = _SPELT_LOCAL.search(text, max(0, end - _SPELT_LOCAL_CHARACTERS), end)
    return spelt[0] if spelt else _local_part(text, end)


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

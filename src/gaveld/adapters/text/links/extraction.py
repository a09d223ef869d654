"""Finds the links in a text: those with a scheme, and bare names that may be domains.

It says where a link is and what its parts are, and nothing about whether to trust it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gaveld.adapters.text.links.hosts import canonical, ip_host, is_name, registrable_domain


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a text, half open in its code points.

    ``host`` is canonical, and empty for schemes without one. ``path`` is what follows the host and
    its port, with the query. ``is_sure`` is false where a bare name may be a file, a number, or
    two sentences without a space between them: it counts only if somebody listed that name.
    """

    start: int
    end: int
    scheme: str
    host: str
    path: str = ""
    has_user_info: bool = False
    is_sure: bool = True


_SCHEME: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<web>https?|ftps?|wss?):[/\\]{1,3}"
    r"|(?P<active>javascript|vbscript):(?=\S{0,200}[(=%\[])"
    r"|(?P<data>data):(?:text/html|text/javascript|application/)[^\s,]{0,80},)",
    re.IGNORECASE,
)
_TAIL: Final = re.compile(r"[^\s<>\"\u201c\u201d\xab\xbb`{}|^]{1,2000}")
_AUTHORITY: Final = re.compile(r"[^/?#\\]*")
_PORT: Final = re.compile(r":\d{0,5}\Z")
_BARE: Final = re.compile(
    r"(?<![\w@.\-/\\])[^\W_][\w-]*+(?:[.\u3002\uff0e\uff61][\w-]++)++(?![\w@]|:[/\\])"
)
_BARE_TAIL: Final = re.compile(r"(?::\d{1,5})?(?:[/?#][^\s<>\"\u201c\u201d\xab\xbb`{}|^]{0,2000})?")
_DOT: Final = re.compile(r"[.\u3002\uff0e\uff61]")
_HINT: Final = re.compile(r"[.:\u3002\uff0e\uff61]")

_CLOSING: Final = {")": "(", "]": "["}
_TRAILING: Final = ".,;:!?'*_~\u2019\u2026\u3002\uff0c\u3001"

# Top-level domains that are also the endings of files, or words that a sentence may start with.
_AMBIGUOUS: Final = frozenset(
    {
        "ai", "am", "as", "at", "be", "by", "cc", "do", "es", "gs", "hr", "id", "im", "in", "is",
        "it", "la", "lc", "md", "me", "ml", "mo", "mov", "mp", "my", "no", "now", "pl", "pm", "ps",
        "py", "re", "rs", "sh", "so", "st", "such", "sucks", "tf", "to", "us", "vs", "zip", "like",
        "you", "here", "how", "read", "see", "open", "one", "play", "today", "cool", "fun", "free",
        "best", "build", "call", "got", "new", "show", "watch", "fail", "help", "makeup", "sale",
        "men", "next", "page", "prime", "save", "select", "work", "world", "zone", "java", "map",
    }
)  # fmt: skip


def extract(text: str) -> Iterator[Link]:
    """Yield the links in a text, none inside another."""
    if not _HINT.search(text):
        return
    end = 0
    for link in _in_order(text):
        if link.start >= end:
            end = link.end
            yield link


def _in_order(text: str) -> Iterator[Link]:
    found = [*_with_scheme(text), *_bare(text)]
    return iter(sorted(found, key=lambda link: (link.start, -link.end)))


def _with_scheme(text: str) -> Iterator[Link]:
    for scheme in _SCHEME.finditer(text):
        tail = _TAIL.match(text, scheme.end())
        rest = _without_trailing(tail[0]) if tail else ""
        end = scheme.end() + len(rest)
        if not scheme["web"]:
            name = scheme["active"] or scheme["data"]
            yield Link(scheme.start(), end, name.lower(), "", rest)
            continue
        authority = _AUTHORITY.match(rest)
        before_path = authority[0] if authority else ""
        _, at, host = before_path.rpartition("@")
        host = canonical(_PORT.sub("", host))
        if ip_host(host) or is_name(host):
            path = rest[len(before_path) :]
            yield Link(scheme.start(), end, scheme["web"].lower(), host, path, bool(at))


def _bare(text: str) -> Iterator[Link]:
    for name in _BARE.finditer(text):
        host = canonical(name[0])
        if not is_name(host):
            continue
        tail = _BARE_TAIL.match(text, name.end())
        rest = _without_trailing(tail[0]) if tail else ""
        path = rest.lstrip(":0123456789")
        is_sure = bool(registrable_domain(host)) and (
            host.startswith("www.") or path.startswith("/") or _is_surely_a_domain(name[0])
        )
        yield Link(name.start(), name.end() + len(rest), "", host, path, is_sure=is_sure)


def _is_surely_a_domain(name: str) -> bool:
    labels = _DOT.split(name)
    last = labels[-1]
    if last.lower() in _AMBIGUOUS or labels[0].isdecimal():
        return False
    # "the end.Start" is two sentences, and "Node.CLI" is a name.
    return last.islower() or name.isupper() or not last.isascii()


def _without_trailing(tail: str) -> str:
    """Cut off the punctuation that belongs to the sentence around a link."""
    end = len(tail)
    while end:
        last = tail[end - 1]
        opening = _CLOSING.get(last)
        is_stray = opening is not None and tail.count(opening, 0, end) < tail.count(last, 0, end)
        if last not in _TRAILING and not is_stray:
            break
        end -= 1
    return tail[:end]

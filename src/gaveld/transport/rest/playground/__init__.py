"""Serves the playground: a page to try Gavel on, with its styles and scripts, as they lie here.

Whatever the page knows it asks the REST API for, with the visitor's own key; nothing is decided
here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from google.rpc import code_pb2

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.failures import refusal
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request, Surface

_PAGE: Final = "index.html"
_CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Pictures and videos are shown from the visitor's own disk alone: ``blob:``."""
_HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-cache"),  # kept, and asked after each time
)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    tag: str


class Playground:
    """The page at ``/playground`` and its files below. They are read once, when it is made."""

    def __init__(self) -> None:
        self._files = {
            entry.name: _File(
                entry.read_bytes(),
                _CONTENT_TYPES[suffix],
                f'"{hashlib.sha256(entry.read_bytes()).hexdigest()[:32]}"',
            )
            for entry in files(__name__).iterdir()
            if (suffix := entry.name.rpartition(".")[2]) in _CONTENT_TYPES
        }

    def serve(self, surface: Surface) -> None:
        """Add the routes to a surface."""
        surface.add("GET", "/playground", self._page)
        surface.add("GET", "/playground/{file}", self._file)

    async def _page(self, request: Request, _: Rpc) -> Answer:
        return self._answer(_PAGE, request)

    async def _file(self, request: Request, _: Rpc) -> Answer:
        return self._answer(request.variables["file"], request)

    def _answer(self, name: str, request: Request) -> Answer:
        file = self._files.get(name)
        if file is None:
            raise refusal(code_pb2.NOT_FOUND, "UNKNOWN_ROUTE", "The playground has no such file.")
        headers = (*_HEADERS, ("etag", file.tag))
        known = {
            tag.strip().removeprefix("W/") for tag in request.headers["if-none-match"].split(",")
        }
        if file.tag in known or "*" in known:
            return Answer(304, b"", file.content_type, headers)
        return Answer(200, file.body, file.content_type, headers)

"""Serves pages, each with its styles and scripts as they lie in its package.

What a page knows it asks the REST API for, with the visitor's own key; nothing is decided here.
"""

import hashlib
from collections.abc import Iterable, Mapping
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
"""Pictures and videos are shown from the page's own memory alone, ``blob:``, and never fetched."""
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


class StaticPage:
    """The page at ``path`` and its files below, out of a package. They are read once.

    ``shared`` are names of files that another package, ``owner``, has for it too.
    """

    def __init__(
        self, path: str, package: str, *, shared: Iterable[str] = (), owner: str = ""
    ) -> None:
        self._path = path
        wanted = frozenset(shared)
        lent = {name: file for name, file in _files_of(owner or package) if name in wanted}
        self._files = lent | dict(_files_of(package))

    def serve(self, surface: Surface) -> None:
        """Add the routes to a surface."""
        surface.add("GET", self._path, self._page)
        surface.add("GET", self._path + "/{file}", self._file)

    async def _page(self, request: Request, _: Rpc) -> Answer:
        return self._answer(_PAGE, request)

    async def _file(self, request: Request, _: Rpc) -> Answer:
        return self._answer(request.variables["file"], request)

    def _answer(self, name: str, request: Request) -> Answer:
        file = self._files.get(name)
        if file is None:
            raise refusal(code_pb2.NOT_FOUND, "UNKNOWN_ROUTE", "The page has no such file.")
        headers = (*_HEADERS, ("etag", file.tag))
        known = {
            tag.strip().removeprefix("W/") for tag in request.headers["if-none-match"].split(",")
        }
        if file.tag in known or "*" in known:
            return Answer(304, b"", file.content_type, headers)
        return Answer(200, file.body, file.content_type, headers)


def _files_of(package: str) -> Iterable[tuple[str, _File]]:
    for entry in files(package).iterdir():
        content_type = _CONTENT_TYPES.get(entry.name.rpartition(".")[2])
        if content_type is not None:
            body = entry.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            yield entry.name, _File(body, content_type, tag)

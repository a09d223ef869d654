"""Keeps web pages of other origins from calling unasked. CORS headers are the listener's work."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from google.rpc import code_pb2

from gaveld.transport.rest.failures import refusal
from gaveld.transport.rest.headers import Headers, media_type

_SENT_UNASKED: Final = frozenset(
    {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
)
"""Media types of bodies that a browser sends to any origin without asking it first."""


def refuse_foreign(headers: Headers, allowed: Collection[str]) -> None:
    """Raise ``RpcFailure`` if a page sends this that is neither ours nor of an allowed origin."""
    origin = headers["origin"]
    if origin and origin not in allowed and not _is_own(origin, headers["host"]):
        raise refusal(
            code_pb2.PERMISSION_DENIED,
            "ORIGIN_REFUSED",
            "Pages of this origin may not call: see rest.cors_origins.",
        )


def refuse_unasked(http_method: str, headers: Headers, allowed: Collection[str]) -> None:
    """Raise ``RpcFailure`` for what a foreign page sends although its browser did not ask for it.

    All else either only reads, and the browser hides the answer, or was asked for and allowed.
    """
    kind, _ = media_type(headers["content-type"])
    if http_method == "POST" and kind in _SENT_UNASKED:
        refuse_foreign(headers, allowed)


def _is_own(origin: str, host: str) -> bool:
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()

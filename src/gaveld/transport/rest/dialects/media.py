"""Turns what vendors' clients give as a file into ``Media``: an address, a data URL or base64."""

import base64
import binascii
import re
from typing import Final

from gavel.v1.content_pb2 import Media
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.shapes import misfit
from gaveld.transport.rest.failures import RpcFailure, refusal

MAX_INLINE_BYTES: Final = 4_000_000

_ADDRESS: Final = re.compile(r"https?://", re.IGNORECASE)
_DATA_URL: Final = re.compile(r"data:[^,]{0,256};base64,", re.IGNORECASE)


def media_of(source: str, field: str) -> Media:
    """Return the file at an http(s) address, in a data URL, or in bare base64.

    White space within base64 is left out, and padding may be missing. Raises ``RpcFailure``
    (INVALID_ARGUMENT) that names ``field`` for what is none of these and for no bytes, and
    (MEDIA_TOO_LARGE) for more than ``MAX_INLINE_BYTES``.
    """
    if _ADDRESS.match(source):
        return Media(uri=source)
    prefix = _DATA_URL.match(source)
    encoded = "".join(source[prefix.end() if prefix else 0 :].split()).rstrip("=")
    if len(encoded) * 3 // 4 > MAX_INLINE_BYTES:
        raise too_large(field, " Give a larger file by its address.")
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise misfit(field, "must be an http or https address, a base64 data URL, or base64")
    return Media(data=data)


def too_large(field: str, advice: str = "") -> RpcFailure:
    """Return the failure of a file that is sent along and has more than ``MAX_INLINE_BYTES``."""
    return refusal(
        code_pb2.INVALID_ARGUMENT,
        "MEDIA_TOO_LARGE",
        f"{field} holds more than {MAX_INLINE_BYTES} bytes.{advice}",
        field=field,
        metadata={"limit_bytes": str(MAX_INLINE_BYTES)},
    )

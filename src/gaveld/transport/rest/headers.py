"""Reads what a call needs out of HTTP headers: its name, its trace, its caller, its time.

Of a request's headers only those named here go on to the server.
"""

import math
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gaveld.transport.rest.failures import invalid

Metadata = tuple[tuple[str, str], ...]

REQUEST_ID: Final = "x-request-id"
TRACEPARENT: Final = "traceparent"

PASSED_ON: Final = (TRACEPARENT, "tracestate")
CREDENTIALS: Final = ("authorization", "x-api-key", "x-client-id", "x-client-secret")

_WELL_FORMED_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_WELL_FORMED_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_GRPC_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_SECONDS: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(s|ms)?")


class Headers:
    """A request's headers by lower-case name. A name that came twice has its first value.

    White space around a value is no part of it, which the HTTP parser leaves behind it.
    """

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in raw:
            self._values.setdefault(
                name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
            )

    def __getitem__(self, name: str) -> str:
        """Return a header's value, empty if it is not there."""
        return self._values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._values


@dataclass(frozen=True, slots=True)
class Caller:
    """What goes beside a request message.

    ``timeout_seconds`` is how long the caller waits, None if it didn't say.
    """

    request_id: str
    traceparent: str
    metadata: Metadata
    timeout_seconds: float | None

    @property
    def echoed(self) -> Metadata:
        """The headers of an answer that no server has named."""
        return self.answered(self.request_id)

    def answered(self, request_id: str) -> Metadata:
        """Return the headers of an answer that the server calls ``request_id``, or didn't name."""
        named = ((REQUEST_ID, request_id or self.request_id),)
        return (*named, (TRACEPARENT, self.traceparent)) if self.traceparent else named


def request_id_of(headers: Headers) -> str:
    """Return the caller's name for the call, or a new one if it has none that is well formed."""
    given = headers[REQUEST_ID]
    return given if _WELL_FORMED_ID.fullmatch(given) else uuid.uuid4().hex


def caller_of(headers: Headers, request_id: str, credentials: Metadata) -> Caller:
    """Return what goes beside the message. Raises ``RpcFailure`` for a timeout that is none."""
    passed = tuple((name, headers[name]) for name in PASSED_ON if name in headers)
    metadata = tuple(
        (name, value) for name, value in (*credentials, *passed) if _PRINTABLE.fullmatch(value)
    )
    traceparent = headers[TRACEPARENT]
    return Caller(
        request_id,
        traceparent if _WELL_FORMED_TRACE.fullmatch(traceparent) else "",
        ((REQUEST_ID, request_id), *metadata),
        timeout_of(headers),
    )


def credentials_of(headers: Headers) -> Metadata:
    """Return the credentials as the server's own spellings of them have it."""
    return tuple((name, headers[name]) for name in CREDENTIALS if name in headers)


def timeout_of(headers: Headers) -> float | None:
    """Return how long the caller waits, in seconds; None if it doesn't say.

    ``grpc-timeout`` is gRPC's form, such as ``500m``; ``x-request-timeout`` is seconds, or has a
    unit, ``500ms`` or ``2s``. The sooner counts. Raises ``RpcFailure``.
    """
    found = []
    if "grpc-timeout" in headers:
        match = _GRPC_TIMEOUT.fullmatch(headers["grpc-timeout"])
        if match is None:
            raise invalid("The header grpc-timeout is no timeout such as 500m or 2S.")
        found.append(int(match[1]) * _UNITS[match[2]])
    if "x-request-timeout" in headers:
        match = _SECONDS.fullmatch(headers["x-request-timeout"])
        if match is None:
            raise invalid("The header x-request-timeout is no time such as 2, 1.5s or 500ms.")
        found.append(float(match[1]) * (1e-3 if match[2] == "ms" else 1.0))
    shortest = min(found, default=math.inf)
    return None if math.isinf(shortest) else shortest


def media_type(content_type: str) -> tuple[str, Mapping[str, str]]:
    """Return a content type without its parameters, in lower case, and the parameters."""
    kind, *rest = content_type.split(";")
    pairs = (entry.partition("=") for entry in rest)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return kind.strip().lower(), parameters

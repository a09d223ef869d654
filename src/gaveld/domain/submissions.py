"""Content as it is submitted to be judged whole, and the digest that tells it from other content.

What it is called by and what is asked for it; how it is judged and what is kept is said elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from struct import pack
from typing import Any

from gaveld.domain.media import MediaReference
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.rules import CallbackFormat
from gaveld.domain.typed_content import FieldValue, MediaValue, Url


@dataclass(frozen=True, slots=True)
class ContentSubmission:
    """One piece of content and what its sender asks for.

    ``fields`` are as sent; ``content_type`` is empty for untyped content. ``blocked_terms`` are
    blocked in this content only. ``callback_url`` is told of the judgement beside the policy's own
    actions. ``do_not_store`` keeps every word of it out of what is kept once it is judged.
    ``explain`` has everything asked and timed. What the sender has echoed, and what surrounds the
    content, is not in here: nobody judges it.
    """

    content_id: str
    fields: Mapping[str, FieldValue] = field(repr=False)
    actor_id: str = field(default="", repr=False)
    content_type: str = ""
    blocked_terms: tuple[str, ...] = field(default=(), repr=False)
    overrides: PolicyOverrides = field(default_factory=PolicyOverrides)
    callback_url: str = field(default="", repr=False)
    callback_format: CallbackFormat = CallbackFormat.NATIVE
    priority: int = 0
    do_not_store: bool = False
    explain: bool = False

    @property
    def sha256(self) -> str:
        """The digest of the fields; see ``content_sha256``."""
        return content_sha256(self.fields)

    @property
    def identity_sha256(self) -> str:
        """The digest of the fields and their type, by which a repeat is told."""
        return hashlib.sha256(f"{self.content_type}\0{self.sha256}".encode()).hexdigest()


def content_sha256(fields: Mapping[str, FieldValue]) -> str:
    """Return the SHA-256 of the fields' canonical form, in 64 lower-case hex digits.

    That is their canonical JSON (RFC 8785) in UTF-8, each value in an object that names its type:
    ``{"age":{"int":"41"},"body":{"string":"…"}}``. Whole numbers are decimal strings, and others
    the 16 hex digits of the double; times are in UTC to the microsecond. A file is the SHA-256 of
    its bytes where these were sent, ``{"image":{"sha256":"…"}}``, and else its address,
    ``{"image":{"uri":"…"}}``. So the order of fields never matters.
    """
    form = json.dumps(
        _named(fields), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )
    # A lone surrogate is refused where its field can be named, and not here.
    return hashlib.sha256(form.encode(errors="surrogatepass")).hexdigest()


def _named(fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    return {name: _form(value) for name, value in fields.items()}


def _form(value: FieldValue) -> dict[str, Any]:
    if isinstance(value, MediaValue):
        return {value.type.value: _file(value.reference)}
    kind, form = _plain(value)
    return {kind: form}


def _plain(value: FieldValue) -> tuple[str, Any]:
    form: tuple[str, Any]
    match value:
        case str():
            form = "string", value
        case bool():
            form = "bool", value
        case int():
            form = "int", str(value)
        case float():
            form = "float", pack(">d", value).hex()
        case datetime():
            time = value.astimezone(UTC).isoformat(timespec="microseconds")
            form = "datetime", time.replace("+00:00", "Z")
        case Url():
            form = "url", value.address
        case tuple():
            form = "list", [_form(item) for item in value]
        case Mapping():
            form = "object", _named(value)
        case _:
            raise TypeError(f"no value of a field: {type(value).__name__}")
    return form


def _file(reference: MediaReference) -> dict[str, str]:
    if reference.data is None:
        return {"uri": reference.uri}
    return {"sha256": hashlib.sha256(reference.data).hexdigest()}

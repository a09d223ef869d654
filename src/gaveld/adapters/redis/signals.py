"""Writes what was learnt of content as bytes, and reads it back if it is whole and of this format.

Compressed JSON, checked against the domain's types field by field. Nothing that is read is run.
"""

import hashlib
import zlib
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter, ValidationError

from gaveld.application.ports import TextSignals
from gaveld.domain.image_signals import ImageFinding, SeenPicture
from gaveld.domain.signals import Finding

MAX_ENTRY_BYTES: Final = 1 << 20
"""What an entry may have, written out; larger ones are neither written nor read."""


@dataclass(frozen=True, slots=True)
class _TextEntry:
    learnt: TextSignals


@dataclass(frozen=True, slots=True)
class _PictureEntry:
    """The findings stand apart: among them are those of words, which are not pictures' own."""

    learnt: SeenPicture
    findings: tuple[Finding | ImageFinding, ...]


_TEXTS: Final = TypeAdapter(_TextEntry)
_PICTURES: Final = TypeAdapter(_PictureEntry)


def _format_of(entry: "TypeAdapter[_TextEntry] | TypeAdapter[_PictureEntry]") -> bytes:
    """Return what entries of this shape begin with: another shape of the domain, another start."""
    return hashlib.sha256(repr(sorted_schema(entry.json_schema())).encode()).digest()[:8]


def sorted_schema(schema: object) -> object:
    """Return a schema with its mappings in order."""
    if isinstance(schema, dict):
        return sorted((name, sorted_schema(part)) for name, part in schema.items())
    if isinstance(schema, list):
        return [sorted_schema(part) for part in schema]
    return schema


_TEXT_FORMAT: Final = b"T1" + _format_of(_TEXTS)
_PICTURE_FORMAT: Final = b"P1" + _format_of(_PICTURES)


def written(learnt: TextSignals | SeenPicture) -> bytes | None:
    """Return the bytes of an entry; None if it is too large."""
    if isinstance(learnt, TextSignals):
        start, body = _TEXT_FORMAT, _TEXTS.dump_json(_TextEntry(learnt))
    else:
        start, body = _PICTURE_FORMAT, _PICTURES.dump_json(_picture_entry(learnt))
    return None if len(body) > MAX_ENTRY_BYTES else start + zlib.compress(body, 1)


def text_read(data: bytes) -> TextSignals | None:
    """Return what was written; None for anything else, an entry of another version included."""
    body = _body(data, _TEXT_FORMAT)
    if body is None:
        return None
    try:
        return _TEXTS.validate_json(body).learnt
    except ValidationError:
        return None


def picture_read(data: bytes) -> SeenPicture | None:
    """Return what was written; None for anything else, an entry of another version included."""
    body = _body(data, _PICTURE_FORMAT)
    if body is None:
        return None
    try:
        entry = _PICTURES.validate_json(body)
    except ValidationError:
        return None
    return _with_findings(entry.learnt, entry.findings)


def _picture_entry(seen: SeenPicture) -> _PictureEntry:
    return _PictureEntry(_with_findings(seen, ()), seen.signals.signals.findings)


def _with_findings(seen: SeenPicture, findings: tuple[Finding, ...]) -> SeenPicture:
    signals = replace(seen.signals.signals, findings=findings)
    return replace(seen, signals=replace(seen.signals, signals=signals))


def _body(data: bytes, start: bytes) -> bytes | None:
    if not data.startswith(start):
        return None
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(data[len(start) :], MAX_ENTRY_BYTES + 1)
    except zlib.error:
        return None
    return body if unpacking.eof and len(body) <= MAX_ENTRY_BYTES else None

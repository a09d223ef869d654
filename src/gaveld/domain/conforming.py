"""Decides whether content fits its type, and reads what JSON has no types for. It judges nothing.

Every field that does not fit is named in one error, which quotes no value.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest, as_many_as_fit
from gaveld.domain.media import MediaReference
from gaveld.domain.typed_content import (
    ContentType,
    FieldDefinition,
    FieldType,
    FieldValue,
    MediaValue,
    Url,
)

Fits: TypeAlias = Callable[[str, str], bool]
"""Whether an RE2 expression, given first, matches the whole of a text, in linear time."""

MAX_ADDRESS_CHARACTERS: Final = 2_048

_WEB_ADDRESS: Final = re.compile(r"(?i:https?)://\S+")
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_MEDIA: Final = frozenset({FieldType.IMAGE, FieldType.VIDEO, FieldType.AUDIO})
_EXPECTED: Final = {
    FieldType.STRING: "must be a string",
    FieldType.INT: "must be an int",
    FieldType.FLOAT: "must be a finite float",
    FieldType.BOOL: "must be a bool",
    FieldType.DATETIME: "must be a datetime, such as 2026-11-22T10:15:00Z",
    FieldType.URL: f"must be an http or https address of up to {MAX_ADDRESS_CHARACTERS} characters",
    FieldType.IMAGE: "must be an image, inline or by an http, https or data address",
    FieldType.VIDEO: "must be a video, inline or by an http, https or data address",
    FieldType.AUDIO: "must be an audio file, inline or by an http, https or data address",
    FieldType.LIST: "must be a list",
    FieldType.OBJECT: "must be an object",
}


def content_type_named(name: str, content_types: Sequence[ContentType]) -> ContentType | None:
    """Return the content type of a name; None for the empty one, which is untyped content.

    Raises ``InvalidRequest`` (UNKNOWN_CONTENT_TYPE).
    """
    if not name:
        return None
    for content_type in content_types:
        if content_type.name == name:
            return content_type
    raise InvalidRequest(
        FieldViolation("content_type", "names none of the policy's content types"),
        reason=ErrorReason.UNKNOWN_CONTENT_TYPE,
        metadata={"content_type": name},
    )


def conform(
    content_type: ContentType, fields: Mapping[str, FieldValue], fits: Fits
) -> Mapping[str, FieldValue]:
    """Return the fields as their type means them, in its order.

    A string stands for a url, a file (by its address) or a datetime (RFC 3339) where one is
    expected, and an int for a float. Times come back in UTC.

    Raises ``InvalidRequest`` (CONTENT_TYPE_MISMATCH) that names every field that does not fit, by a
    path such as ``fields.comments[2].body`` and a rule: MISSING, MISTYPED, UNKNOWN, TOO_SMALL,
    TOO_LARGE or PATTERN. If they are too many for one error, the rest are counted.
    """
    conforming = _Conforming(fits)
    fitting = conforming.object_of(content_type.fields, fields, "fields")
    if conforming.violations:
        named, more = as_many_as_fit(conforming.violations)
        if more:
            named.append(FieldViolation("fields", f"have {more} more that do not fit"))
        raise InvalidRequest(
            *named,
            reason=ErrorReason.CONTENT_TYPE_MISMATCH,
            metadata={"content_type": content_type.name},
        )
    return fitting


class _Conforming:
    """Fits one piece of content to its type, and collects what does not fit."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self.violations: list[FieldViolation] = []

    def object_of(
        self,
        definitions: Sequence[FieldDefinition],
        fields: Mapping[str, FieldValue],
        path: str,
    ) -> dict[str, FieldValue]:
        fitting: dict[str, FieldValue] = {}
        for definition in definitions:
            name = definition.name
            if name in fields:
                fitting[name] = self._value(definition, fields[name], f"{path}.{name}")
            elif definition.required:
                self._report(f"{path}.{name}", "is required", "MISSING")
        known = {definition.name for definition in definitions}
        for name in sorted(set(fields) - known):
            self._report(f"{path}.{name}", "is not a field of the content type", "UNKNOWN")
        return fitting

    def _value(self, definition: FieldDefinition, given: FieldValue, path: str) -> FieldValue:
        value = _read(definition.type, given)
        if value is None:
            self._report(path, _EXPECTED[definition.type], "MISTYPED")
            return given
        match value:
            case tuple():
                self._check_bounds(definition, len(value), "items", path)
                if definition.item is not None:
                    item = definition.item
                    return tuple(
                        self._value(item, entry, f"{path}[{index}]")
                        for index, entry in enumerate(value)
                    )
            case Mapping():
                return self.object_of(definition.fields, value, path)
            case str():
                self._check_bounds(definition, len(value), "characters", path)
                if definition.pattern and not self._fits(definition.pattern, value):
                    self._report(path, "does not match the field's pattern", "PATTERN")
            case bool():
                pass
            case int() | float():
                self._check_bounds(definition, value, "", path)
            case _:
                pass
        return value

    def _check_bounds(self, definition: FieldDefinition, size: float, unit: str, path: str) -> None:
        verb = "have" if unit else "be"
        if definition.min is not None and size < definition.min:
            bound = f"must {verb} at least {_number(definition.min)} {unit}".rstrip()
            self._report(path, bound, "TOO_SMALL")
        if definition.max is not None and size > definition.max:
            bound = f"must {verb} at most {_number(definition.max)} {unit}".rstrip()
            self._report(path, bound, "TOO_LARGE")

    def _report(self, path: str, description: str, rule: str) -> None:
        self.violations.append(FieldViolation(path, description, rule))


def _read(expected: FieldType, given: FieldValue) -> FieldValue | None:
    """Return the value as one of the type; None if it is none."""
    if isinstance(given, MediaValue):
        return given if given.type is expected else None
    if expected in _MEDIA:
        return _media(expected, given)
    return _READERS[expected](given)


def _media(expected: FieldType, given: FieldValue) -> MediaValue | None:
    if isinstance(given, str) and (_is_web_address(given) or given[:5].lower() == "data:"):
        return MediaValue(expected, MediaReference(uri=given))
    return None


def _string(given: FieldValue) -> str | None:
    return given if isinstance(given, str) else None


def _bool(given: FieldValue) -> bool | None:
    return given if isinstance(given, bool) else None


def _int(given: FieldValue) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _float(given: FieldValue) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _time(given: FieldValue) -> datetime | None:
    try:
        if isinstance(given, str) and _RFC_3339.fullmatch(given):
            return datetime.fromisoformat(given.upper()).astimezone(UTC)
        return given.astimezone(UTC) if isinstance(given, datetime) else None
    except (ValueError, OverflowError):
        return None


def _url(given: FieldValue) -> Url | None:
    address = given.address if isinstance(given, Url) else given
    return Url(address) if isinstance(address, str) and _is_web_address(address) else None


def _list(given: FieldValue) -> tuple[FieldValue, ...] | None:
    return given if isinstance(given, tuple) else None


def _object(given: FieldValue) -> Mapping[str, FieldValue] | None:
    return given if isinstance(given, Mapping) else None


_READERS: Final[Mapping[FieldType, Callable[[FieldValue], FieldValue | None]]] = {
    FieldType.STRING: _string,
    FieldType.INT: _int,
    FieldType.FLOAT: _float,
    FieldType.BOOL: _bool,
    FieldType.DATETIME: _time,
    FieldType.URL: _url,
    FieldType.LIST: _list,
    FieldType.OBJECT: _object,
}


def _is_web_address(text: str) -> bool:
    return len(text) <= MAX_ADDRESS_CHARACTERS and _WEB_ADDRESS.fullmatch(text) is not None


def _number(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else str(bound)

"""Fills messages from JSON values by the rules of proto3 JSON, and says which field is wrong.

Both spellings of a field are taken, but not both at once. Unknown fields are refused, so that a
misspelt one is never silently without effect. Errors name fields, and quote nothing else.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gaveld.transport.rest.json_scalars import (
    Convert,
    ValueRefusedError,
    scalar_reader,
    text_reader,
)

_DURATION: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s")
_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")

Fill = Callable[[Any, Any, str], None]
"""Puts a JSON value into a message; the last argument is the message's field path."""


class FieldError(ValueError):
    """A JSON value does not suit the contract. ``field`` is its path, empty for the whole."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}." if field else f"The body {problem}.")
        self.field = field


def fill(message: Message, value: Any, path: str = "") -> None:
    """Put a JSON value into an empty message. Raises ``FieldError``."""
    filler_of(message.DESCRIPTOR)(message, value, path)


@cache
def filler_of(descriptor: Descriptor) -> Fill:
    """Return what fills messages of a type."""
    name = descriptor.full_name
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    if is_wrapper(descriptor):
        return _wrapper(descriptor)
    return _Fields(descriptor)


def is_wrapper(descriptor: Descriptor) -> bool:
    """Whether a message is one of ``google/protobuf/wrappers.proto``, JSON's plain values."""
    return bool(descriptor.file.name == "google/protobuf/wrappers.proto")


def field_named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """Return the field of a name in either spelling."""
    return _spellings(descriptor).get(name)


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    return bool(
        field.is_repeated
        and field.message_type is not None
        and field.message_type.GetOptions().map_entry
    )


@cache
def _spellings(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    by_json = {field.json_name: field for field in descriptor.fields}
    return {**by_json, **{field.name: field for field in descriptor.fields}}


class _Fields:
    """Fills a message of fields from a JSON object."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._puts: Mapping[str, _Put] | None = None

    def __call__(self, message: Message, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise FieldError(path, "must be an object")
        if self._puts is None:  # not earlier: a message may hold its own kind
            puts = {field.name: _Put(field) for field in self._descriptor.fields}
            spellings = _spellings(self._descriptor)
            self._puts = {name: puts[field.name] for name, field in spellings.items()}
        message.SetInParent()
        taken: set[str] = set()
        for key, item in value.items():
            put = self._puts.get(key)
            if put is None:
                known = f" {key}" if _NAME.fullmatch(key) else ""
                raise FieldError(path, f"has an unknown field{known}")
            if item is None and not put.takes_null:
                continue
            for name in put.excludes:
                if name in taken:
                    raise FieldError(below(path, put.name), f"is given twice, or beside {name}")
            taken.update(put.excludes)
            put(message, item, below(path, put.name))


class _Put:
    """Puts a JSON value into one field."""

    def __init__(self, field: FieldDescriptor) -> None:
        self.name = field.name
        self.excludes = [field.name]
        if field.containing_oneof is not None:
            self.excludes.append(field.containing_oneof.name)
        self.takes_null = not field.is_repeated and _takes_null(field)
        if field.message_type is not None and is_map(field):
            self._put: Fill = self._map(field.message_type)
        elif field.message_type is not None:
            filler = filler_of(field.message_type)
            self._put = self._messages(field, filler) if field.is_repeated else self._one(filler)
        else:
            convert = scalar_reader(field)
            self._put = self._scalars(field, convert) if field.is_repeated else self._set(convert)

    def __call__(self, message: Any, value: Any, path: str) -> None:
        self._put(message, value, path)

    def _set(self, convert: Convert) -> Fill:
        def put(message: Any, value: Any, path: str) -> None:
            setattr(message, self.name, _converted(convert, value, path))

        return put

    def _one(self, filler: Fill) -> Fill:
        def put(message: Any, value: Any, path: str) -> None:
            filler(getattr(message, self.name), value, path)

        return put

    def _scalars(self, field: FieldDescriptor, convert: Convert) -> Fill:
        takes_null = _takes_null(field)

        def put(message: Any, value: Any, path: str) -> None:
            items = _items(value, path, takes_null=takes_null)
            getattr(message, self.name).extend(
                _converted(convert, item, f"{path}[{index}]") for index, item in enumerate(items)
            )

        return put

    def _messages(self, field: FieldDescriptor, filler: Fill) -> Fill:
        takes_null = _takes_null(field)

        def put(message: Any, value: Any, path: str) -> None:
            repeated = getattr(message, self.name)
            for index, item in enumerate(_items(value, path, takes_null=takes_null)):
                filler(repeated.add(), item, f"{path}[{index}]")

        return put

    def _map(self, entry: Descriptor) -> Fill:
        key_field, value_field = entry.fields_by_name["key"], entry.fields_by_name["value"]
        convert_key, takes_null = text_reader(key_field), _takes_null(value_field)
        is_message = value_field.message_type is not None
        filler = filler_of(value_field.message_type) if is_message else None
        convert = None if is_message else scalar_reader(value_field)

        def put(message: Any, value: Any, path: str) -> None:
            if not isinstance(value, dict):
                raise FieldError(path, "must be an object")
            mapping = getattr(message, self.name)
            for text, item in value.items():
                place = f'{path}["{text}"]' if _NAME.fullmatch(text) else f"{path}[]"
                key = _converted(convert_key, text, f"a key of {path}")
                if item is None and not takes_null:
                    raise FieldError(place, "must not be null")
                if filler is not None:
                    filler(mapping[key], item, place)
                elif convert is not None:
                    mapping[key] = _converted(convert, item, place)

        return put


def below(path: str, name: str) -> str:
    """Return the path of a field within the message at ``path``."""
    return f"{path}.{name}" if path else name


def _converted(convert: Convert, value: Any, path: str) -> Any:
    try:
        return convert(value)
    except ValueRefusedError as error:
        raise FieldError(path, f"must be {error}") from None


def _items(value: Any, path: str, *, takes_null: bool) -> list[Any]:
    if not isinstance(value, list):
        raise FieldError(path, "must be an array")
    if None in value and not takes_null:
        raise FieldError(f"{path}[{value.index(None)}]", "must not be null")
    return value


def _takes_null(field: FieldDescriptor) -> bool:
    if field.message_type is not None:
        return bool(field.message_type.full_name == "google.protobuf.Value")
    enum = field.enum_type
    return enum is not None and enum.full_name == "google.protobuf.NullValue"


def _wrapper(descriptor: Descriptor) -> Fill:
    convert = scalar_reader(descriptor.fields_by_name["value"])

    def put(message: Any, value: Any, path: str) -> None:
        message.SetInParent()
        message.value = _converted(convert, value, path)

    return put


def _from_text(problem: str) -> Fill:
    def put(message: Any, value: Any, path: str) -> None:
        message.SetInParent()
        try:
            message.FromJsonString(value)
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise FieldError(path, f"must be {problem}") from None

    return put


def _duration(message: Any, value: Any, path: str) -> None:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise FieldError(path, 'must be a duration such as "1.5s"')
    _from_text("a duration within 10,000 years")(message, value, path)


def _struct(message: Any, value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise FieldError(path, "must be an object")
    message.SetInParent()
    for key, item in value.items():
        _value(message.fields[key], item, path)


def _list(message: Any, value: Any, path: str) -> None:
    if not isinstance(value, list):
        raise FieldError(path, "must be an array")
    message.SetInParent()
    for item in value:
        _value(message.values.add(), item, path)


def _value(message: Any, value: Any, path: str) -> None:
    match value:
        case None:
            message.null_value = 0
        case bool():
            message.bool_value = value
        case str():
            message.string_value = value
        case dict():
            _struct(message.struct_value, value, path)
        case list():
            _list(message.list_value, value, path)
        case _:
            try:
                message.number_value = float(value)
            except OverflowError:
                raise FieldError(path, "has a number that is out of range") from None


def _any(message: Any, value: Any, path: str) -> None:
    try:
        json_format.ParseDict(value, message)
    except (json_format.ParseError, TypeError, ValueError, AttributeError):
        raise FieldError(path, "must be an object with an @type that is known here") from None


_WELL_KNOWN: Final[Mapping[str, Fill]] = {
    "google.protobuf.Timestamp": _from_text('a time such as "2026-01-31T12:00:00Z"'),
    "google.protobuf.Duration": _duration,
    "google.protobuf.FieldMask": _from_text('a field mask such as "name,settings.size"'),
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _value,
    "google.protobuf.Any": _any,
}

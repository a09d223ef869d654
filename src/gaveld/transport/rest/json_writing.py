"""Turns messages into JSON values by the rules of proto3 JSON: lowerCamelCase, defaults left out.

Written out rather than left to ``json_format``, which takes several times as long.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gaveld.transport.rest.json_reading import is_map, is_wrapper
from gaveld.transport.rest.json_scalars import key_writer, scalar_writer

Render = Callable[[Any], Any]


def to_json(message: Message, field: str = "", *, as_declared: bool = False) -> bytes:
    """Return a message, or only one field of it, as proto3 JSON.

    ``as_declared`` keeps the fields' names as the contract spells them, snake_case. Raises
    ``TypeError`` or ``json_format.Error`` for an ``Any`` of a type that this build lacks.
    """
    if field:
        return orjson.dumps(_field_json(message, field, as_declared=as_declared))
    return orjson.dumps(renderer_of(message.DESCRIPTOR, as_declared)(message))


def _field_json(message: Message, name: str, *, as_declared: bool) -> Any:
    field: Any = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    return _Field(field, as_declared).render(value)


@cache
def renderer_of(descriptor: Descriptor, as_declared: bool = False) -> Render:  # noqa: FBT001, FBT002 - a key of the cache
    """Return what turns messages of a type into JSON values."""
    name = descriptor.full_name
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    if is_wrapper(descriptor):
        write = scalar_writer(descriptor.fields_by_name["value"])
        return lambda message: write(message.value) if write else message.value
    return _Fields(descriptor, as_declared)


class _Fields:
    """Renders a message of fields as an object."""

    def __init__(self, descriptor: Descriptor, as_declared: bool) -> None:  # noqa: FBT001
        self._descriptor = descriptor
        self._as_declared = as_declared
        self._fields: dict[int, _Field] | None = None

    def __call__(self, message: Message) -> dict[str, Any]:
        if self._fields is None:  # not earlier: a message may hold its own kind
            self._fields = {
                field.number: _Field(field, self._as_declared) for field in self._descriptor.fields
            }
        rendered = {}
        for field, value in message.ListFields():
            entry = self._fields[field.number]
            rendered[entry.name] = entry.render(value)
        return rendered


class _Field:
    """Renders the value of one field."""

    def __init__(self, field: FieldDescriptor, as_declared: bool) -> None:  # noqa: FBT001
        self.name = field.name if as_declared else field.json_name
        if field.message_type is not None and is_map(field):
            entry = field.message_type.fields_by_name
            write_key = key_writer(entry["key"])
            one = _one(entry["value"], as_declared)
            self.render: Render = lambda value: {write_key(k): one(v) for k, v in value.items()}
        elif field.is_repeated:
            one = _one(field, as_declared)
            self.render = lambda value: [one(item) for item in value]
        else:
            self.render = _one(field, as_declared)


def _one(field: FieldDescriptor, as_declared: bool) -> Render:  # noqa: FBT001
    if field.message_type is not None:
        return renderer_of(field.message_type, as_declared)
    return scalar_writer(field) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _text(message: Any) -> Any:
    return message.ToJsonString()


def _struct(message: Any) -> dict[str, Any]:
    return {key: _value(item) for key, item in message.fields.items()}


def _list(message: Any) -> list[Any]:
    return [_value(item) for item in message.values]


def _value(message: Any) -> Any:
    match message.WhichOneof("kind"):
        case "struct_value":
            return _struct(message.struct_value)
        case "list_value":
            return _list(message.list_value)
        case None | "null_value":
            return None
        case "number_value":
            number = message.number_value
            return int(number) if number.is_integer() and abs(number) < _EXACT else number
        case kind:
            return getattr(message, kind)


def _any(message: Message) -> Any:
    return json_format.MessageToDict(message)


_EXACT: Final = 2**53
"""Below it every whole number is a double of its own."""

_WELL_KNOWN: Final[Mapping[str, Render]] = {
    "google.protobuf.Timestamp": _text,
    "google.protobuf.Duration": _text,
    "google.protobuf.FieldMask": _text,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _value,
    "google.protobuf.Any": _any,
}

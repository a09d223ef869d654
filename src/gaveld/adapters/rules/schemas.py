"""Describes the facts of a piece of content to CEL's type checker, fields of a content type too.

CEL knows objects with typed fields only as messages of Protocol Buffers, so that is what they are
here. None of them is ever made, save for points in time, and none is of the wire's contract (ADR
0020).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from google.protobuf import struct_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.timestamp_pb2 import Timestamp

from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

PACKAGE: Final = "facts"

_TYPES: Final = {
    FieldType.STRING: FieldDescriptorProto.TYPE_STRING,
    FieldType.INT: FieldDescriptorProto.TYPE_INT64,
    FieldType.FLOAT: FieldDescriptorProto.TYPE_DOUBLE,
    FieldType.BOOL: FieldDescriptorProto.TYPE_BOOL,
    FieldType.URL: FieldDescriptorProto.TYPE_STRING,
}
_TIME: Final = ".google.protobuf.Timestamp"
_UNTYPED_LIST: Final = ".google.protobuf.ListValue"
_FILE: Final = f".{PACKAGE}.File"
_FILE_FIELDS: Final = (
    FieldDefinition("uri", FieldType.STRING),
    FieldDefinition("sha256", FieldType.STRING),
)


class NamesCollideError(Exception):
    """Two fields of one object have one name in conditions."""


def name_in_conditions(name: str) -> str:
    """Return what conditions call a field: a hyphen, which CEL takes for a minus, is ``_``."""
    return name.replace("-", "_")


def point_in_time(time: datetime) -> Timestamp:
    """Return a time with a zone as CEL takes it, wherever it stands."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def described(
    objects: Mapping[str, Sequence[FieldDefinition]],
    maps: Mapping[str, Sequence[str]],
    content_type: ContentType | None,
) -> DescriptorPool:
    """Return a pool with a message of each name in ``PACKAGE``, and ``Content`` for the type.

    ``maps`` are further fields, by their object's name, that hold whole numbers by name. Raises
    ``NamesCollideError``.
    """
    schema = _Schema()
    schema.add("File", _FILE_FIELDS)
    for name, fields in objects.items():
        message = schema.add(name, fields)
        for field in maps.get(name, ()):
            schema.add_map(message, name, field)
    if content_type is not None:
        schema.add("Content", content_type.fields)
    pool = DescriptorPool()
    for module in (timestamp_pb2, struct_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(schema.file.SerializeToString())
    return pool


class _Schema:
    """A file of messages, made one by one."""

    def __init__(self) -> None:
        self.file = FileDescriptorProto(
            name="facts.proto",
            package=PACKAGE,
            syntax="proto3",
            dependency=["google/protobuf/timestamp.proto", "google/protobuf/struct.proto"],
        )

    def add(self, name: str, fields: Sequence[FieldDefinition]) -> DescriptorProto:
        message = self.file.message_type.add(name=name)
        # Names that differ in case or underscores only would be one in JSON, which nobody writes.
        message.options.deprecated_legacy_json_field_conflicts = True
        names = [name_in_conditions(field.name) for field in fields]
        for field_name in names:
            if names.count(field_name) > 1:
                raise NamesCollideError(field_name)
        for field, field_name in zip(fields, names, strict=True):
            entry = self._field(message, field_name)
            is_list = field.type is FieldType.LIST
            item = field.item if is_list else field
            if item is None or (is_list and item.type is FieldType.LIST):
                # A list of lists has no counterpart: its items are of any type.
                entry.type, entry.type_name = FieldDescriptorProto.TYPE_MESSAGE, _UNTYPED_LIST
                continue
            if is_list:
                entry.label = FieldDescriptorProto.LABEL_REPEATED
            self._set_type(entry, item)
        return message

    def add_map(self, message: DescriptorProto, owner: str, name: str) -> None:
        # Protocol Buffers know a map by the name of its entries.
        pair = "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"
        nested = message.nested_type.add(name=pair)
        nested.options.map_entry = True
        self._field(nested, "key").type = FieldDescriptorProto.TYPE_STRING
        self._field(nested, "value").type = FieldDescriptorProto.TYPE_INT64
        entry = self._field(message, name)
        entry.label = FieldDescriptorProto.LABEL_REPEATED
        entry.type = FieldDescriptorProto.TYPE_MESSAGE
        entry.type_name = f".{PACKAGE}.{owner}.{pair}"

    @staticmethod
    def _field(message: DescriptorProto, name: str) -> FieldDescriptorProto:
        return message.field.add(
            name=name,
            number=len(message.field) + 1,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
        )

    def _set_type(self, entry: FieldDescriptorProto, field: FieldDefinition) -> None:
        entry.type = _TYPES.get(field.type, FieldDescriptorProto.TYPE_MESSAGE)
        match field.type:
            case FieldType.DATETIME:
                entry.type_name = _TIME
            case FieldType.IMAGE | FieldType.VIDEO | FieldType.AUDIO:
                entry.type_name = _FILE
            case FieldType.OBJECT:
                name = f"Object{len(self.file.message_type)}"
                self.add(name, field.fields)
                entry.type_name = f".{PACKAGE}.{name}"
            case _:
                pass

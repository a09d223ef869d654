"""JSON Schemas of the contract's messages: types by proto3 JSON, limits by ``buf.validate``.

Text for people is the contract's own comments, which the descriptor set carries.
"""

from collections.abc import Iterator
from typing import Any, Final

from buf.validate import validate_pb2
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
)
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    SourceCodeInfo,
)
from google.protobuf.descriptor_pool import Default

from gaveld.transport.rest.json_reading import is_map, is_wrapper

Schema = dict[str, Any]

_F: Final = FieldDescriptor
_WHOLE_64: Final = {
    _F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64, _F.TYPE_UINT64, _F.TYPE_FIXED64,
}  # fmt: skip
_UNSIGNED: Final = {_F.TYPE_UINT64, _F.TYPE_FIXED64}
_REAL: Final = {"type": ["number", "string"], "pattern": "^(NaN|-?Infinity)$"}
_WHOLE_32: Final = {"type": "integer", "minimum": -(1 << 31), "maximum": (1 << 31) - 1}
_NATURAL_32: Final = {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1}
_SCALARS: Final[dict[int, Schema]] = {
    _F.TYPE_INT32: _WHOLE_32,
    _F.TYPE_SINT32: _WHOLE_32,
    _F.TYPE_SFIXED32: _WHOLE_32,
    _F.TYPE_UINT32: _NATURAL_32,
    _F.TYPE_FIXED32: _NATURAL_32,
    _F.TYPE_FLOAT: _REAL,
    _F.TYPE_DOUBLE: _REAL,
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _F.TYPE_BOOL: {"type": "boolean"},
}
_WELL_KNOWN: Final[dict[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["name,settings.size"]},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
    },
}


class Schemas:
    """The schemas of messages that were asked for, and of all that these refer to."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._comments = dict(_comments(files))
        self._wanted: dict[str, Schema | None] = {}

    def named(self, full_name: str) -> Descriptor:
        """Return a message's descriptor by its full name."""
        return Default().FindMessageTypeByName(full_name)

    def comment(
        self, thing: Descriptor | EnumDescriptor | FieldDescriptor | MethodDescriptor
    ) -> str:
        """Return what the contract says of a thing, in one paragraph; empty if nothing."""
        return self._comments.get(str(thing.full_name), "")

    def components(self) -> dict[str, Schema]:
        """Return every schema that was referred to, by name."""
        while missing := [name for name, schema in self._wanted.items() if schema is None]:
            for name in missing:
                self._wanted[name] = self._defined(name)
        return {name: schema for name, schema in sorted(self._wanted.items()) if schema is not None}

    def of_message(self, message: Descriptor) -> Schema:
        """Return the schema of a message: what stands for it in JSON, or a reference."""
        name = str(message.full_name)
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        if is_wrapper(message):
            return self._scalar(message.fields_by_name["value"])
        return self._reference(name)

    def of_field(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field, with its limits."""
        rules = _rules(field)
        if is_map(field) and field.message_type is not None:
            values = field.message_type.fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._one(values)}
            _limit(schema, rules.map, min_pairs="minProperties", max_pairs="maxProperties")
            if rules.map.keys.string.pattern:
                schema["propertyNames"] = {"pattern": rules.map.keys.string.pattern}
            return schema
        if field.is_repeated:
            items = self._one(field)
            _constrain(items, rules.repeated.items)
            schema = {"type": "array", "items": items}
            _limit(schema, rules.repeated, min_items="minItems", max_items="maxItems")
            return schema
        schema = self._one(field)
        _constrain(schema, rules)
        return schema

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        return self._scalar(field)

    def _scalar(self, field: FieldDescriptor) -> Schema:
        kind = field.type
        if field.enum_type is not None:
            return self._reference(str(field.enum_type.full_name))
        if kind in _WHOLE_64:
            sign = "" if kind in _UNSIGNED else "-?"
            return {"type": ["string", "integer"], "pattern": f"^{sign}[0-9]{{1,20}}$"}
        return dict(_SCALARS.get(kind, {"type": "string"}))

    def _reference(self, name: str) -> Schema:
        self._wanted.setdefault(name, None)
        return {"$ref": f"#/components/schemas/{name}"}

    def _defined(self, name: str) -> Schema:
        try:
            message = Default().FindMessageTypeByName(name)
        except KeyError:
            return self._enumeration(Default().FindEnumTypeByName(name))
        properties, required = {}, []
        for field in message.fields:
            schema = self.of_field(field)
            comment = self.comment(field)
            properties[field.json_name] = {**schema, "description": comment} if comment else schema
            if _is_required(field):
                required.append(field.json_name)
        described: Schema = {"type": "object", "properties": properties}
        if comment := self.comment(message):
            described["description"] = comment
        if required:
            described["required"] = required
        if not properties:
            described.pop("properties")
        return described

    def _enumeration(self, enum: EnumDescriptor) -> Schema:
        lines = [
            f"- {value.name}: {self._comments.get(_value(enum, value.name), '')}"
            for value in enum.values
        ]
        described: Schema = {"type": "string", "enum": [value.name for value in enum.values]}
        described["description"] = "\n".join([self.comment(enum), "", *lines])
        return described


def _value(enum: EnumDescriptor, name: str) -> str:
    return f"{enum.full_name}.{name}"


def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    options: Any = field.GetOptions()
    rules: validate_pb2.FieldRules = options.Extensions[validate_pb2.field]
    return rules


def _is_required(field: FieldDescriptor) -> bool:
    rules = _rules(field)
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE or field.containing_oneof is not None:
        return False
    least = (
        rules.string.min_len,
        rules.string.min_bytes,
        rules.repeated.min_items,
        rules.map.min_pairs,
    )
    return bool(rules.required or any(least))


def _constrain(schema: Schema, rules: validate_pb2.FieldRules) -> None:
    """Put a field's limits into its schema. Sizes in bytes are an upper bound in characters."""
    match rules.WhichOneof("type"):
        case "string":
            _limit(schema, rules.string, min_len="minLength", max_len="maxLength")
            _limit(schema, rules.string, max_bytes="maxLength", pattern="pattern")
            if rules.string.min_bytes:
                schema["minLength"] = 1
            if "pattern" in schema and rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
                schema["pattern"] = f"^$|{schema['pattern']}"
        case "int32" | "uint32" | "double" | "float" as kind if schema.get(
            "type"
        ) == "integer" or kind in {"double", "float"}:
            _limit(schema, getattr(rules, kind), gte="minimum", lte="maximum")


def _limit(schema: Schema, rules: Any, **names: str) -> None:
    for rule, name in names.items():
        if rules.HasField(rule):
            schema[name] = getattr(rules, rule)


def _comments(files: FileDescriptorSet) -> Iterator[tuple[str, str]]:
    for file in files.file:
        places = {tuple(place.path): place for place in file.source_code_info.location}
        for path, name in _named(file):
            place = places.get(path)
            if place is not None and place.leading_comments:
                yield name, _flowing(place)


def _flowing(place: SourceCodeInfo.Location) -> str:
    return " ".join(place.leading_comments.split())


def _named(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Give everything in a file by its place, in the numbers that source information uses."""
    for index, message in enumerate(file.message_type):
        yield from _in_message(message, (4, index), f"{file.package}.{message.name}")
    for index, enum in enumerate(file.enum_type):
        name = f"{file.package}.{enum.name}"
        yield (5, index), name
        for at, value in enumerate(enum.value):
            yield (5, index, 2, at), f"{name}.{value.name}"
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (6, index), name
        for at, method in enumerate(service.method):
            yield (6, index, 2, at), f"{name}.{method.name}"


def _in_message(
    message: DescriptorProto, path: tuple[int, ...], name: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, 2, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _in_message(nested, (*path, 3, index), f"{name}.{nested.name}")

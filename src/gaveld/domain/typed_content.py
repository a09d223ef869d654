"""Content with named, typed fields, and the schemas that a policy gives it.

What is judged of content is said here. Whether it fits its schema, ``conforming`` decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from gaveld.domain.media import MediaReference


class FieldType(StrEnum):
    """The type of a field's value."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    DATETIME = "datetime"
    URL = "url"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    LIST = "list"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field of a content type.

    ``min`` and ``max`` bound a number, or the count of a string's code points or a list's items.
    ``pattern`` is an RE2 expression that the whole of a string must match. ``item`` is what a list
    holds, and ``fields`` what an object does. Of an ``exempt`` field nothing is judged, nor of what
    is in it. ``name`` is empty only for a list's item.
    """

    name: str
    type: FieldType
    required: bool = False
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    item: "FieldDefinition | None" = None
    fields: tuple["FieldDefinition", ...] = ()
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class ContentType:
    """A named schema of content."""

    name: str
    fields: tuple[FieldDefinition, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Url:
    """An address, judged as a link and never fetched."""

    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaValue:
    """A picture, a video or a sound; ``type`` is what its sender says it is."""

    type: FieldType
    reference: MediaReference = field(repr=False)


FieldValue: TypeAlias = (
    str
    | int
    | float
    | bool
    | datetime
    | Url
    | MediaValue
    | tuple["FieldValue", ...]
    | Mapping[str, "FieldValue"]
)
"""The value of a field. Times have a zone."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text, link or file among the fields. ``path`` is such as ``comments[2].body``."""

    path: str
    value: str | Url | MediaValue = field(repr=False)


def judged_leaves(
    fields: Mapping[str, FieldValue], content_type: ContentType | None = None
) -> Iterator[Leaf]:
    """Yield all that is judged of content that fits its type, in the order of the type's fields.

    Of untyped content that is every text, link and file, in the order of the fields' names.
    """
    definitions = None if content_type is None else content_type.fields
    yield from _leaves_of_object(fields, definitions, "")


def _leaves_of_object(
    fields: Mapping[str, FieldValue], definitions: Sequence[FieldDefinition] | None, path: str
) -> Iterator[Leaf]:
    if definitions is None:
        for name in sorted(fields):
            yield from _leaves(fields[name], None, path + name)
        return
    for definition in definitions:
        if definition.name in fields:
            yield from _leaves(fields[definition.name], definition, path + definition.name)


def _leaves(value: FieldValue, definition: FieldDefinition | None, path: str) -> Iterator[Leaf]:
    if definition is not None and definition.exempt:
        return
    match value:
        case str() | Url() | MediaValue():
            yield Leaf(path, value)
        case tuple():
            item = None if definition is None else definition.item
            for index, entry in enumerate(value):
                yield from _leaves(entry, item, f"{path}[{index}]")
        case Mapping():
            definitions = None if definition is None else definition.fields
            yield from _leaves_of_object(value, definitions, f"{path}.")
        case _:
            return

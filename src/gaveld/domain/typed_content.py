"""Content with named, typed fields, and the schemas that a policy gives it.

Whether content fits its schema is decided here and nowhere else; judging it is not.
"""

from collections.abc import Mapping
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
    holds, and ``fields`` what an object does. ``exempt`` text and media are not judged. ``name`` is
    empty only for a list's item.
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
    "str | int | float | bool | datetime | Url | MediaValue "
    "| tuple[FieldValue, ...] | Mapping[str, FieldValue]"
)
"""The value of a field. Times have a zone."""

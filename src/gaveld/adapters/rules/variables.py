"""The variables of conditions: what they are called, their types, and their values for one piece.

A value that is not known is left out, so that asking for it fails and is never answered with "no".
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, TypeAlias

from gaveld.adapters.rules.schemas import name_in_conditions, point_in_time
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.image_signals import ImageClass
from gaveld.domain.media import MediaReference
from gaveld.domain.rules import RuleFacts, UserHistory
from gaveld.domain.signals import Attribute
from gaveld.domain.typed_content import FieldDefinition, FieldType, FieldValue, MediaValue, Url

WINDOWS: Final = ("24h", "7d", "30d")
KNOWN: Final = ("content", "language", "ocr_text", "user")
"""What may not be known as a whole; ``known.language`` and so on say whether it is."""

OBJECTS: Final[Mapping[str, tuple[FieldDefinition, ...]]] = {
    "Scores": tuple(FieldDefinition(entry.value, FieldType.FLOAT) for entry in Attribute),
    "Image": tuple(FieldDefinition(entry.value, FieldType.FLOAT) for entry in ImageClass),
    "Known": tuple(FieldDefinition(name, FieldType.BOOL) for name in KNOWN),
    "User": (
        *(
            FieldDefinition(f"{count}_{window}", FieldType.INT)
            for count in ("flags", "contents")
            for window in WINDOWS
        ),
        FieldDefinition("strikes", FieldType.FLOAT),
    ),
}
"""The variables that are objects, and their fields."""

COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "User": tuple(f"categories_{window}" for window in WINDOWS)
}
"""Further fields of these objects: counts by category id."""

TYPES: Final[Mapping[str, str]] = {
    "scores": "Scores",
    "categories": "map<string, double>",
    "findings": "list<string>",
    "image": "Image",
    "ocr_text": "string",
    "language": "string",
    "coverage": "string",
    "verdict": "string",
    "content": "Content",
    "content_type": "string",
    "user": "User",
    "known": "Known",
}
"""Every variable and its type; a capital letter is an object's."""


Asked: TypeAlias = Mapping[str, frozenset[str] | None]
"""The variables that a condition asks for, and their fields; None for all of them."""


def values_of(facts: RuleFacts, asked: Asked) -> dict[str, Any]:
    """Return the values of the variables that are asked for and known."""
    values = {name: _VALUES[name](facts, fields) for name, fields in asked.items()}
    return {name: value for name, value in values.items() if value is not None}


def _content(facts: RuleFacts, fields: frozenset[str] | None) -> dict[str, Any] | None:
    if facts.content is None:
        return None
    named = {name_in_conditions(name): value for name, value in facts.content.items()}
    return {
        name: _plain(value) for name, value in named.items() if fields is None or name in fields
    }


def _plain(value: FieldValue) -> Any:
    match value:
        case Url():
            return value.address
        case MediaValue():
            return _file(value.reference)
        case tuple():
            return [_plain(item) for item in value]
        case datetime():
            return point_in_time(value)
        case Mapping():
            return {name_in_conditions(name): _plain(item) for name, item in value.items()}
        case _:
            return value


def _file(reference: MediaReference) -> dict[str, str]:
    if reference.data is None:
        return {"uri": reference.uri}
    return {"sha256": sha256(reference.data).hexdigest()}


def _user(facts: RuleFacts, fields: frozenset[str] | None) -> dict[str, Any]:
    if facts.user is None:
        return {}
    asked = _USER if fields is None else fields & _USER.keys()
    return {name: _USER[name](facts.user) for name in asked}


def _count_of(count: str, number: int) -> Callable[[UserHistory], int]:
    read = attrgetter(count)
    return lambda user: int(read(user.windows[number]))


def _counts_of(number: int) -> Callable[[UserHistory], dict[str, int]]:
    return lambda user: {**_NONE, **user.windows[number].categories}


_NONE: Final = dict.fromkeys(CATALOGUE, 0)

_USER: Final[Mapping[str, Callable[[UserHistory], Any]]] = {
    "strikes": attrgetter("strikes"),
    **{
        f"{count}_{window}": _count_of(count, number)
        for count in ("flags", "contents")
        for number, window in enumerate(WINDOWS)
    },
    **{f"categories_{window}": _counts_of(number) for number, window in enumerate(WINDOWS)},
}

_VALUES: Final[Mapping[str, Callable[[RuleFacts, frozenset[str] | None], Any]]] = {
    "scores": lambda facts, _: dict(facts.scores),
    "categories": lambda facts, _: dict(facts.categories),
    "findings": lambda facts, _: list(facts.findings),
    "image": lambda facts, _: dict(facts.image_scores),
    "ocr_text": lambda facts, _: facts.ocr_text,
    "language": lambda facts, _: facts.language,
    "coverage": lambda facts, _: facts.coverage,
    "verdict": lambda facts, _: facts.verdict,
    "content": _content,
    "content_type": lambda facts, _: facts.content_type,
    "user": _user,
    "known": lambda facts, _: {name: getattr(facts, name) is not None for name in KNOWN},
}

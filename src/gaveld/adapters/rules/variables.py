"""The variables of conditions: what they are called, their types, and their values for one piece.

A value that is not known is left out, so that asking for it fails and is never answered with "no".
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

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


def values_of(
    facts: RuleFacts, names: frozenset[str], fields: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return the values of the variables in ``names`` that are known.

    Of the content only the ``fields`` are looked at, named as conditions do; None means all.
    """
    values = {name: _VALUES[name](facts) for name in names if name in _VALUES}
    if "content" in names and facts.content is not None:
        named = {name_in_conditions(name): value for name, value in facts.content.items()}
        values["content"] = {
            name: _plain(value) for name, value in named.items() if fields is None or name in fields
        }
    return {name: value for name, value in values.items() if value is not None}


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


def _user(facts: RuleFacts) -> dict[str, Any]:
    return {} if facts.user is None else _counts(facts.user)


def _counts(user: UserHistory) -> dict[str, Any]:
    counts: dict[str, Any] = {"strikes": user.strikes}
    for name, window in zip(WINDOWS, user.windows, strict=True):
        counts[f"flags_{name}"] = window.flags
        counts[f"contents_{name}"] = window.contents
        counts[f"categories_{name}"] = {**_NONE, **window.categories}
    return counts


_NONE: Final = dict.fromkeys(CATALOGUE, 0)

_VALUES: Final[Mapping[str, Callable[[RuleFacts], Any]]] = {
    "scores": lambda facts: dict(facts.scores),
    "categories": lambda facts: dict(facts.categories),
    "findings": lambda facts: list(facts.findings),
    "image": lambda facts: dict(facts.image_scores),
    "ocr_text": lambda facts: facts.ocr_text,
    "language": lambda facts: facts.language,
    "coverage": lambda facts: facts.coverage,
    "verdict": lambda facts: facts.verdict,
    "content_type": lambda facts: facts.content_type,
    "user": _user,
    "known": lambda facts: {name: getattr(facts, name) is not None for name in KNOWN},
}
